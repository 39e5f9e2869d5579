// The manager queue on the main thread, and on a thread of Dispatch's own: Manager WAY COUNT.
//
// WAY `captured` is ebb's: the thread that Dispatch asks for is the main one. WAY `own` uses Dispatch before that, so that
// there is nothing to capture. Each takes COUNT signals, which it sends to itself, and COUNT events of a timer; then it prints
// what it has counted, how many threads it has, whether the main thread was the one, and whether one source stood for
// several signals: in ebb's way for USR1 and USR2, else it is a source for USR1 alone. Before, a thread is started that has
// nothing to do with Dispatch.

import CPlatform
import CLibcStubs

/// See above.
@_cdecl("Manager_main")
package func main(argumentCount: Int32, arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  guard argumentCount == 3, let way = arguments[1], let count = arguments[2] else { return 2 }
  Load.wanted = Int(strtol(count, nil, 10))
  _ = ebb_set_signal_mask(.max)
  Load.joins = strcmp(way, "captured") == 0
  if Load.joins {
    guard ebb_capture_manager({ _ in dispatch_async_f(ebb_manager_queue(), nil) { _ in Load.begin() } }, nil) else {
      return 3
    }
    ebb_run_manager()
  }
  dispatch_async_f(ebb_manager_queue(), nil) { _ in Load.begin() }
  if ebb_capture_manager({ _ in }, nil) { return 3 }
  while true { poll(nil, 0, -1) }
}
