import Foundation

/// A signal with its number and the name that TestApp prints and ebb's options accept.
struct Signal: Hashable, CustomStringConvertible {
  let number: Int32
  let description: String

  static let sighup = Signal(number: SIGHUP, description: "HUP")
  static let sigint = Signal(number: SIGINT, description: "INT")
  static let sigquit = Signal(number: SIGQUIT, description: "QUIT")
  static let sigusr1 = Signal(number: SIGUSR1, description: "USR1")
  static let sigusr2 = Signal(number: SIGUSR2, description: "USR2")
  static let sigabrt = Signal(number: SIGABRT, description: "ABRT")
  static let sigtstp = Signal(number: SIGTSTP, description: "TSTP")
  static let sigttin = Signal(number: SIGTTIN, description: "TTIN")
  static let sigttou = Signal(number: SIGTTOU, description: "TTOU")
  static let sigchld = Signal(number: SIGCHLD, description: "CHLD")
  static let sigterm = Signal(number: SIGTERM, description: "TERM")
  static let sigcont = Signal(number: SIGCONT, description: "CONT")
  static let sigstop = Signal(number: SIGSTOP, description: "STOP")
  static let sigkill = Signal(number: SIGKILL, description: "KILL")
  static let sigwinch = Signal(number: SIGWINCH, description: "WINCH")

  /// A real-time signal. glibc reserves the kernel's first two, so the first usable one is 34.
  static func realTime(_ offset: Int32) -> Signal {
    Signal(number: 34 + offset, description: offset == 0 ? "RTMIN" : "RTMIN+\(offset)")
  }

  /// The signals that must reach the command: all that a process can catch, except SIGCHLD, the faults that the
  /// processor raises, and SIGTTIN and SIGTTOU.
  static let forwarded: [Signal] =
    [sighup, sigint, sigquit, sigabrt, sigusr1, sigusr2, sigtstp, sigcont, sigwinch]
    + [
      (SIGPIPE, "PIPE"), (SIGALRM, "ALRM"), (SIGURG, "URG"), (SIGXCPU, "XCPU"), (SIGXFSZ, "XFSZ"),
      (SIGVTALRM, "VTALRM"), (SIGPROF, "PROF"), (SIGIO, "POLL"), (SIGPWR, "PWR"), (16, "STKFLT"),
    ].map { Signal(number: $0.0, description: $0.1) }
    + (0...30).map(realTime)
}
