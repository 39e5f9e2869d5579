import CPlatform
import CLibcStubs

enum Load {
  nonisolated(unsafe) static var wanted = 0
  nonisolated(unsafe) static var signals = 0
  nonisolated(unsafe) static var timers = 0
  nonisolated(unsafe) static var timer: dispatch_source_t?
  /// Whether one source stands for USR1 and USR2, which come in turn.
  nonisolated(unsafe) static var joins = false
  static var next: Int32 { joins && timers % 2 == 1 ? SIGUSR2 : SIGUSR1 }

  static func begin() {
    if joins { ebb_join_signals(SIGUSR1, 1 << UInt64(SIGUSR1 - 1) | 1 << UInt64(SIGUSR2 - 1)) }
    let usr1 = dispatch_source_create(ebb_source_type_signal(), UInt(SIGUSR1), 0, ebb_manager_queue())
    let timer = dispatch_source_create(ebb_source_type_timer(), 0, 0, ebb_manager_queue())
    self.timer = timer
    dispatch_source_set_event_handler_f(usr1) { _ in
      guard ebb_take_joined_signals() == (Load.joins ? 1 << UInt64(Load.next - 1) : 0) else { _exit(5) }
      Load.signals += 1
      Load.setTimer()
    }
    dispatch_source_set_event_handler_f(timer) { _ in
      Load.timers += 1
      if Load.timers == Load.wanted { Load.finish() }
      kill(getpid(), Load.next)
    }
    dispatch_resume(dispatch_object_t(_ds: usr1))
    dispatch_resume(dispatch_object_t(_ds: timer))
    guard ebb_start_thread({ _ in while true { poll(nil, 0, -1) } }, nil) == 0 else { _exit(4) }
    kill(getpid(), SIGUSR1)
  }

  static func setTimer() {
    if let timer { dispatch_source_set_timer(timer, dispatch_time(UInt64(DISPATCH_TIME_NOW), 0), .max, 0) }
  }

  static func finish() {
    let ways = "main=\(ebb_thread() == getpid()) joined=\(ebb_has_joined_signals())"
    let line = "signals=\(signals) timers=\(timers) threads=\(threads()) \(ways)\n"
    _ = line.withCString { write(1, $0, strlen($0)) }
    _exit(0)
  }

  static func threads() -> Int {
    guard let folder = opendir("/proc/self/task") else { return -1 }
    defer { closedir(folder) }
    var threads = 0
    while ebb_readdir_number(folder) != 0 { threads += 1 }
    return threads
  }
}
