import CPlatform
import Platform
import Primitives
import Supervision

/// Passes over the connections, a step at a time: between two steps the queue does whatever else has come.
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

  /// In place of a pass that is under way. `report` gets its outcome: `sampled` or `countFailed`.
  func begin(lookForListeners: Bool, _ report: @escaping (Event) -> Void) {
    self.report = report
    sampler.startPass(lookForListeners: lookForListeners)
    guard !isStepping else { return }
    isStepping = true
    timer.setTimer(in: .zero)
  }

  /// No pass any more: what it has is given back.
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
