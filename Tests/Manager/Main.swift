// Tests the manager queue on the main thread and on a thread of Dispatch's own: Manager WAY COUNT.
//
// WAY `captured` is ebb's: the thread that Dispatch requests is the main one. WAY `own` uses Dispatch earlier, so that
// there is nothing to capture. Each receives COUNT signals, which it sends to itself, and COUNT timer events. Then it
// prints these counts, the number of threads, whether the main thread handled them, and whether one source stood for
// several signals (in ebb's way USR1 and USR2, otherwise only USR1). An unrelated thread is started first.

import CPlatform
import CLibcStubs

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
