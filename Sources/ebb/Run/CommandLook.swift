import CPlatform
import Platform
import Primitives
import Supervision

/// Looks at the command when it has run for a while: whether signals reach it, and whether it listens.
final class CommandLook {
  private let queue: dispatch_queue_t
  private let timer: DispatchSource
  private let health: UInt16?
  /// Out-of-memory kills before the first look; `nil` before that, since a run of a moment should not pay for it.
  private var killsBefore: Int?

  /// `health`: ebb's own port.
  init(on queue: dispatch_queue_t, health: UInt16?) {
    (self.queue, self.health) = (queue, health)
    timer = DispatchSource(timerOn: queue)
  }

  /// Calls `look` when the time that is planned has come.
  func start(_ look: @escaping () -> Void) { timer.start(look) }

  /// `nil`: not any more.
  func plan(in wait: TimeAmount?) {
    if let wait { timer.setTimer(in: wait) }
  }

  /// `report` gets `listenersSeen`, or `countFailed`, later. What the look has is given back then.
  func begin(_ report: @escaping (Event) -> Void) {
    killsBefore = killsBefore ?? outOfMemoryKills()
    let sampler = ConnectionSampler(listenersOf: .descendants(of: getpid()), excluding: health)
    let counter = ConnectionCounter(sampler, on: queue)
    counter.begin(lookForListeners: true) { outcome in
      counter.end()
      DispatchSource.runOnce(on: self.queue) { giveBackMemory() }  // once all of the look is gone
      if case .sampled(let sample) = outcome { report(.listenersSeen(sample.portSource)) } else { report(outcome) }
    }
  }

  /// `nil` where nothing counts. In the first second only PID 1 knows: the group of its container has counted nothing
  /// before.
  func killsSinceStart() -> Int? {
    guard let before = killsBefore ?? (getpid() == 1 ? 0 : nil) else { return nil }
    return outOfMemoryKills().map { max(0, $0 - before) }
  }
}
