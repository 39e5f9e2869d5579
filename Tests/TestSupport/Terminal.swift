import Glibc

/// A pseudo-terminal. The test has the controlling side and acts as keyboard and screen.
package final class Terminal {
  package let descriptor: Int32
  private let path: String

  // The C library's names for these are macros or hidden from Swift.
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430

  /// - Throws: A `Failure` if no pseudo-terminal can be made.
  package init() throws(Failure) {
    descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("/dev/ptmx: \(text(errno))") }
    var unlocked: Int32 = 0
    var number: Int32 = 0
    guard ioctl(descriptor, Self.setLock, &unlocked) == 0, ioctl(descriptor, Self.getNumber, &number) == 0 else {
      throw Failure("pseudo-terminal: \(text(errno))")
    }
    path = "/dev/pts/\(number)"
  }

  deinit { close(descriptor) }

  /// Opens the side that a program has as its terminal.
  ///
  /// - Throws: A `Failure` if it cannot be opened.
  package func openOtherSide() throws(Failure) -> Int32 {
    let other = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard other >= 0 else { throw Failure("\(path): \(text(errno))") }
    return other
  }

  /// Whether the terminal delivers single keys: a shell reads a line, and has installed its handler of Ctrl-C.
  package var readsKeys: Bool {
    var settings = termios()
    return tcgetattr(descriptor, &settings) == 0 && settings.c_lflag & tcflag_t(ICANON) == 0
  }

  /// The process group that a key like Ctrl-C reaches.
  package var foreground: pid_t { tcgetpgrp(descriptor) }
}
