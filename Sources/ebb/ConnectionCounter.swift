import CPlatform
import Platform
import Supervision

/// Passes over the connections, a step at a time: between two steps the queue does whatever else has come.
final class ConnectionCounter {
  private let watch: ConnectionWatch
  private let rest: () -> Void
  private let report: (Event) -> Void
  private var timer: DispatchSource?
  private var isStepping = false

  /// `rest` is called when a pass has ended.
  init(
    _ watch: ConnectionWatch, on queue: dispatch_queue_t, rest: @escaping () -> Void, report: @escaping (Event) -> Void
  ) {
    (self.watch, self.rest, self.report) = (watch, rest, report)
    timer = DispatchSource(timerOn: queue) { [self] in step() }
  }

  /// In place of a pass that is under way.
  func begin(lookForListeners: Bool) {
    watch.begin(lookForListeners: lookForListeners)
    guard !isStepping else { return }
    isStepping = true
    timer?.setTimer(in: .zero)
  }

  private func step() {
    guard let result = watch.step(nil) else {
      timer?.setTimer(in: .zero)
      return
    }
    isStepping = false
    switch result {
    case .success(let sample): report(.sampled(sample))
    case .failure(let failure): report(.countFailed(failure.reason))
    }
    rest()
  }
}
