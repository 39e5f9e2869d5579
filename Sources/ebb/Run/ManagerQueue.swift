import CPlatform
import CLibcStubs

/// Runs `begin` on Dispatch's manager queue, and then all that its sources bring. The main thread becomes the queue's,
/// and is the only one until there is a line to log. It must never reach dispatch_main(), which would unblock its signals.
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
  // A Dispatch that asks for its thread in another way has it, and every signal is blocked in this one.
  while true { poll(nil, 0, -1) }
}
