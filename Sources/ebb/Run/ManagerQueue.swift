import CPlatform
import CLibcStubs

/// Runs `begin` on Dispatch's manager queue, then serves the queue. The main thread becomes the queue's thread, and is
/// the only one until a line is logged. It must never call dispatch_main(), which would unblock its signals.
func serveManagerQueue(_ begin: @escaping () -> Void) -> Never {
  final class FirstUse {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
  let isCaptured = ebb_capture_manager(
    { context in
      guard let context else { return }
      let body = Unmanaged<FirstUse>.fromOpaque(context).takeRetainedValue().body
      DispatchSource.runOnce(on: ebb_manager_queue(), body)
    }, Unmanaged.passRetained(FirstUse(begin)).toOpaque())
  if isCaptured { ebb_run_manager() }
  // A Dispatch that starts its thread in another way serves the queue there. Every signal is blocked in this thread.
  while true { poll(nil, 0, -1) }
}
