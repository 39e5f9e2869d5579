import CPlatform
import Platform
import Primitives
import Supervision

/// Checks the command after it has run for a while: whether signals reach it, and whether it listens.
final class CommandLook {
  private let queue: dispatch_queue_t
  private let timer: DispatchSource
  private let health: UInt16?
  /// Out-of-memory kills before the first check; `nil` until then, so that a short run does not pay for it.
  private var killsBefore: Int?

  init(on queue: dispatch_queue_t, health: UInt16?) {
    (self.queue, self.health) = (queue, health)
    timer = DispatchSource(timerOn: queue)
  }

  /// Calls `look` at the planned time.
  func start(_ look: @escaping () -> Void) { timer.start(look) }

  /// `nil`: no further check.
  func plan(in wait: TimeAmount?) {
    if let wait { timer.setTimer(in: wait) }
  }

  /// Calls `report` later, with `listenersSeen` or `countFailed`. Releases the memory then.
  func begin(_ report: @escaping (Event) -> Void) {
    killsBefore = killsBefore ?? readOutOfMemoryKills()
    let sampler = ConnectionSampler(listenersOf: .descendants(of: getpid()), excluding: health)
    let counter = ConnectionCounter(sampler, on: queue)
    counter.begin(lookForListeners: true) { outcome in
      counter.end()
      DispatchSource.runOnce(on: self.queue) { giveBackMemory() }  // after the sampler has been freed
      if case .sampled(let sample) = outcome { report(.listenersSeen(sample.portSource)) } else { report(outcome) }
    }
  }

  /// Returns the out-of-memory kills since the start; `nil` without a counter. During the first second only PID 1 can
  /// count: the group of its container starts at zero.
  func killsSinceStart() -> Int? {
    guard let before = killsBefore ?? (getpid() == 1 ? 0 : nil) else { return nil }
    return readOutOfMemoryKills().map { max(0, $0 - before) }
  }
}
