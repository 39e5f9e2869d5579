import Foundation

/// A signal by number, with the name that fixture prints and ebb's options take.
struct Signal: Hashable, CustomStringConvertible {
  let number: Int32
  let description: String

  static let hup = Signal(number: SIGHUP, description: "HUP")
  static let int = Signal(number: SIGINT, description: "INT")
  static let quit = Signal(number: SIGQUIT, description: "QUIT")
  static let usr1 = Signal(number: SIGUSR1, description: "USR1")
  static let usr2 = Signal(number: SIGUSR2, description: "USR2")
  static let abrt = Signal(number: SIGABRT, description: "ABRT")
  static let tstp = Signal(number: SIGTSTP, description: "TSTP")
  static let ttin = Signal(number: SIGTTIN, description: "TTIN")
  static let ttou = Signal(number: SIGTTOU, description: "TTOU")
  static let chld = Signal(number: SIGCHLD, description: "CHLD")
  static let term = Signal(number: SIGTERM, description: "TERM")
  static let cont = Signal(number: SIGCONT, description: "CONT")
  static let stop = Signal(number: SIGSTOP, description: "STOP")
  static let kill = Signal(number: SIGKILL, description: "KILL")
  static let winch = Signal(number: SIGWINCH, description: "WINCH")

  /// A real-time signal. glibc keeps the kernel's first two for itself, so the first usable one is 34.
  static func realTime(_ offset: Int32) -> Signal {
    Signal(number: 34 + offset, description: offset == 0 ? "RTMIN" : "RTMIN+\(offset)")
  }

  /// Everything that must reach the command: all that a process can catch, but for SIGCHLD, the faults that the
  /// processor raises, and the two by which a terminal stops a background process.
  static let forwarded: [Signal] =
    [hup, int, quit, abrt, usr1, usr2, tstp, cont, winch]
    + [
      (SIGPIPE, "PIPE"), (SIGALRM, "ALRM"), (SIGURG, "URG"), (SIGXCPU, "XCPU"), (SIGXFSZ, "XFSZ"),
      (SIGVTALRM, "VTALRM"), (SIGPROF, "PROF"), (SIGIO, "POLL"), (SIGPWR, "PWR"), (16, "STKFLT"),
    ].map { Signal(number: $0.0, description: $0.1) }
    + (0...30).map(realTime)
}
