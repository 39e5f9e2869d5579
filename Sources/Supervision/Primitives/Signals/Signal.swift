/// A signal by its number, 1 to 64 on every architecture that ebb runs on; signal(7).
package struct Signal: Equatable, Sendable {
  /// 1 to 64.
  package let number: Int32

  /// Nil outside 1 to 64.
  package init?(number: Int) {
    guard 1...64 ~= number else { return nil }
    self.number = Int32(number)
  }

  private init(_ number: Int32) { self.number = number }

  // The numbers of x86, ARM, RISC-V, POWER and s390x; signal(7).
  package static let hangup = Signal(1)
  /// SIGINT, Ctrl-C
  package static let interrupt = Signal(2)
  package static let quit = Signal(3)
  /// SIGABRT
  static let abort = Signal(6)
  package static let kill = Signal(9)
  package static let user1 = Signal(10)
  package static let user2 = Signal(12)
  /// SIGPIPE, nobody reads what was written
  package static let pipe = Signal(13)
  /// SIGTERM, the usual stop signal
  package static let terminate = Signal(15)
  package static let child = Signal(17)
  package static let `continue` = Signal(18)
  /// SIGSTOP
  package static let stop = Signal(19)
  /// SIGTSTP, Ctrl-Z
  package static let terminalStop = Signal(20)
  /// SIGTTIN, a read from the background
  package static let terminalInput = Signal(21)
  /// SIGTTOU, a write from the background
  package static let terminalOutput = Signal(22)

  /// SIGWINCH, the terminal has another size
  package static let windowChange = Signal(28)

  /// Without a handler it does nothing: CHLD, CONT, URG, WINCH.
  var isIgnoredByDefault: Bool { [17, 18, 23, 28].contains(number) }

  private static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
  ]
  private static let otherNames: [(name: String, number: Int32)] = [("IOT", 6), ("CLD", 17), ("POLL", 29)]

  // The kernel's first real-time signal is 32; glibc keeps 32 and 33 and calls 34 SIGRTMIN, and so does everybody's
  // `kill -l`.
  private static let firstRealTime = 34
  private static let lastRealTime = 64

  /// `TERM`, `SIGTERM` (in any case), `15`, `RTMIN+3`, `RTMAX-1`. Nil for anything else.
  package init?(text: String) {
    var name = text.inCapitals
    if let number = wholeNumber(name.utf8, upTo: 64) {
      self.init(number: number)
      return
    }
    if name.starts(withText: "SIG") { name = String(decoding: name.utf8.dropFirst(3), as: UTF8.self) }
    if let index = Signal.names.firstIndex(where: { $0.isSame(as: name) }) {
      self.init(Int32(index) + 1)
    } else if let other = Signal.otherNames.first(where: { $0.name.isSame(as: name) }) {
      self.init(other.number)
    } else {
      self.init(realTimeName: name)
    }
  }

  /// `RTMIN`, `RTMIN+N`, `RTMAX`, `RTMAX-N`.
  private init?(realTimeName name: String) {
    func distance(from base: String) -> Int? {
      guard name.starts(withText: base) else { return nil }
      let rest = name.utf8.dropFirst(base.utf8.count)
      return wholeNumber(rest, upTo: Signal.lastRealTime - Signal.firstRealTime)
    }
    if name.isSame(as: "RTMIN") {
      self.init(number: Signal.firstRealTime)
    } else if name.isSame(as: "RTMAX") {
      self.init(number: Signal.lastRealTime)
    } else if let distance = distance(from: "RTMIN+") {
      self.init(number: Signal.firstRealTime + distance)
    } else if let distance = distance(from: "RTMAX-") {
      self.init(number: Signal.lastRealTime - distance)
    } else {
      return nil
    }
  }

  /// `TERM`, `RTMIN+3`; `32` and `33` have no name.
  package var name: String {
    let index = Int(number)
    if index <= Signal.names.count { return Signal.names[index - 1] }
    if index < Signal.firstRealTime { return "\(index)" }
    return index == Signal.firstRealTime ? "RTMIN" : "RTMIN+\(index - Signal.firstRealTime)"
  }
}
