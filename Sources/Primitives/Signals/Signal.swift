/// A signal by its number, 1 to 64 on every architecture that ebb runs on; signal(7).
package struct Signal: Equatable, Sendable {
  package let number: Int32

  /// `nil` outside 1 to 64.
  package init?(number: Int) {
    guard 1...64 ~= number else { return nil }
    self.number = Int32(number)
  }

  private init(_ number: Int32) { self.number = number }

  // These numbers are valid on x86, ARM, RISC-V, POWER and s390x; signal(7).
  package static let sighup = Signal(1)
  /// SIGINT, Ctrl-C
  package static let sigint = Signal(2)
  package static let sigquit = Signal(3)
  package static let abort = Signal(6)
  package static let sigkill = Signal(9)
  package static let sigusr1 = Signal(10)
  package static let sigusr2 = Signal(12)
  /// SIGPIPE, a write to a pipe without readers
  package static let sigpipe = Signal(13)
  /// SIGTERM, the usual stop signal
  package static let sigterm = Signal(15)
  package static let sigchld = Signal(17)
  package static let sigcont = Signal(18)
  package static let stop = Signal(19)
  /// SIGTSTP, Ctrl-Z
  package static let sigtstp = Signal(20)
  /// SIGTTIN, a read by a background process group
  package static let sigttin = Signal(21)
  /// SIGTTOU, a write by a background process group
  package static let sigttou = Signal(22)

  /// SIGWINCH, the terminal's size changed
  package static let sigwinch = Signal(28)

  /// Whether the default action ignores the signal: CHLD, CONT, URG, WINCH.
  package var isIgnoredByDefault: Bool { [17, 18, 23, 28].contains(number) }

  private static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
  ]
  private static let otherNames: [(name: String, number: Int32)] = [("IOT", 6), ("CLD", 17), ("POLL", 29)]

  // The kernel's first real-time signal is 32, but glibc reserves 32 and 33. It calls 34 SIGRTMIN, as does `kill -l`.
  private static let firstRealTime = 34
  private static let lastRealTime = 64

  /// Parses `TERM`, `SIGTERM` (in any case), `15`, `RTMIN+3` or `RTMAX-1`. `nil` for anything else.
  package init?(text: String) {
    var name = text.asciiUppercased
    if let number = parseDecimal(name.utf8, max: 64) {
      self.init(number: number)
      return
    }
    if name.hasBytePrefix("SIG") { name = String(decoding: name.utf8.dropFirst(3), as: UTF8.self) }
    if let index = Signal.names.firstIndex(where: { $0.bytesEqual(name) }) {
      self.init(Int32(index) + 1)
    } else if let other = Signal.otherNames.first(where: { $0.name.bytesEqual(name) }) {
      self.init(other.number)
    } else {
      self.init(realTimeName: name)
    }
  }

  /// Parses `RTMIN`, `RTMIN+N`, `RTMAX` or `RTMAX-N`.
  private init?(realTimeName name: String) {
    func distance(from base: String) -> Int? {
      guard name.hasBytePrefix(base) else { return nil }
      let remaining = name.utf8.dropFirst(base.utf8.count)
      return parseDecimal(remaining, max: Signal.lastRealTime - Signal.firstRealTime)
    }
    if name.bytesEqual("RTMIN") {
      self.init(number: Signal.firstRealTime)
    } else if name.bytesEqual("RTMAX") {
      self.init(number: Signal.lastRealTime)
    } else if let distance = distance(from: "RTMIN+") {
      self.init(number: Signal.firstRealTime + distance)
    } else if let distance = distance(from: "RTMAX-") {
      self.init(number: Signal.lastRealTime - distance)
    } else {
      return nil
    }
  }

  /// `TERM` or `RTMIN+3`. 32 and 33 have no name, so their number is returned.
  package var name: String {
    let index = Int(number)
    if index <= Signal.names.count { return Signal.names[index - 1] }
    if index < Signal.firstRealTime { return "\(index)" }
    return index == Signal.firstRealTime ? "RTMIN" : "RTMIN+\(index - Signal.firstRealTime)"
  }
}
