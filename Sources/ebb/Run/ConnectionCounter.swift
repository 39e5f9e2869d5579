import CPlatform
import Platform
import Primitives
import Supervision

/// Runs passes over the connections, step by step, so that the queue can handle other events between two steps.
final class ConnectionCounter {
  private let sampler: ConnectionSampler
  private let timer: DispatchSource
  private var report: (Event) -> Void = { _ in }
  private var isStepping = false

  init(_ sampler: ConnectionSampler, on queue: dispatch_queue_t) {
    self.sampler = sampler
    timer = DispatchSource(timerOn: queue)
    timer.start { [self] in step() }
  }

  /// Begins a pass and abandons one under way. Calls `report` with `sampled` or `countFailed`.
  func begin(lookForListeners: Bool, _ report: @escaping (Event) -> Void) {
    self.report = report
    sampler.startPass(lookForListeners: lookForListeners)
    guard !isStepping else { return }
    isStepping = true
    timer.setTimer(in: .zero)
  }

  /// Ends the passes and releases what they hold.
  func end() {
    timer.cancel {}
    report = { _ in }
  }

  private func step() {
    guard let result = sampler.advance(nil) else { return timer.setTimer(in: .zero) }
    isStepping = false
    switch result {
    case .success(let sample): report(.sampled(sample))
    case .failure(let failure): report(.countFailed(failure.reason))
    }
  }
}
