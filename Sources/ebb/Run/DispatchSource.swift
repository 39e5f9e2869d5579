import CPlatform
import Primitives

/// A Dispatch source that runs a closure on a queue until it is cancelled. Uses the C functions with a context pointer,
/// because Embedded Swift has no Dispatch overlay.
final class DispatchSource {
  private let source: dispatch_source_t
  private var handler: () -> Void = {}
  private var afterCancel: (() -> Void)?

  /// A source does nothing before `start`, which must follow.
  init(signal: Signal, on queue: dispatch_queue_t) {
    source = dispatch_source_create(ebb_source_type_signal(), UInt(signal.number), 0, queue)
  }

  init(readable descriptor: Int32, on queue: dispatch_queue_t) {
    source = dispatch_source_create(ebb_source_type_read(), UInt(descriptor), 0, queue)
  }

  init(writable descriptor: Int32, on queue: dispatch_queue_t) {
    source = dispatch_source_create(ebb_source_type_write(), UInt(descriptor), 0, queue)
  }

  /// Fires at the time set by `setTimer`.
  init(timerOn queue: dispatch_queue_t) {
    source = dispatch_source_create(ebb_source_type_timer(), 0, 0, queue)
  }

  deinit { ebb_release_source(source) }

  /// Runs `handler` on the queue for each event from now on.
  func start(_ handler: @escaping () -> Void) {
    self.handler = handler
    let object = dispatch_object_t(_ds: source)
    dispatch_set_context(object, Unmanaged.passRetained(self).toOpaque())
    dispatch_source_set_event_handler_f(source) { context in
      guard let context else { return }
      Unmanaged<DispatchSource>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.handler() }
    }
    dispatch_source_set_cancel_handler_f(source) { context in
      guard let context else { return }
      let source = Unmanaged<DispatchSource>.fromOpaque(context).takeRetainedValue()
      source.handler = {}  // it may retain the source
      source.afterCancel?()
    }
    dispatch_resume(object)
  }

  /// Fires once, on the monotonic clock, without leeway and never early. For work in steps: a timer that is already due
  /// fires after all other sources have been checked. `runOnce` does not do that: the manager queue runs all its
  /// blocks, including newly added ones, before it checks its sources.
  func setTimer(in span: TimeAmount) {
    dispatch_source_set_timer(source, dispatch_time(UInt64(DISPATCH_TIME_NOW), span.nanoseconds), .max, 0)
  }

  /// Stops the events. `body` runs on the queue once Dispatch no longer uses the descriptor. Close it only then,
  /// because its number may be reused.
  func cancel(_ body: @escaping () -> Void) {
    afterCancel = body
    dispatch_source_cancel(source)
  }

  /// Pauses the handler until `resume`, which must follow.
  func suspend() { dispatch_suspend(dispatch_object_t(_ds: source)) }
  func resume() { dispatch_resume(dispatch_object_t(_ds: source)) }

  /// Runs a closure on the queue, after the blocks that are already there.
  static func runOnce(on queue: dispatch_queue_t, _ body: @escaping () -> Void) {
    dispatch_async_f(queue, Unmanaged.passRetained(Closure(body)).toOpaque()) { context in
      guard let context else { return }
      Unmanaged<Closure>.fromOpaque(context).takeRetainedValue().body()
    }
  }

  private final class Closure {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}
