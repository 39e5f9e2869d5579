import Foundation

/// A pseudo-terminal. The test holds the controlling side and plays the keyboard and the screen.
final class Terminal {
  let descriptor: Int32
  private let path: String

  // The C library's names for these are macros or hidden from Swift.
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430

  init() throws {
    descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("/dev/ptmx: errno \(errno)") }
    var unlocked: Int32 = 0
    var number: Int32 = 0
    guard ioctl(descriptor, Self.setLock, &unlocked) == 0, ioctl(descriptor, Self.getNumber, &number) == 0 else {
      throw Failure("pseudo-terminal: errno \(errno)")
    }
    path = "/dev/pts/\(number)"
  }

  deinit { close(descriptor) }

  func openOtherSide() throws -> Int32 {
    let other = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard other >= 0 else { throw Failure("\(path): errno \(errno)") }
    return other
  }

  /// Whether keys come one by one: a shell reads a line, and has set up what it does at Ctrl-C.
  var readsKeys: Bool {
    var settings = termios()
    return tcgetattr(descriptor, &settings) == 0 && settings.c_lflag & tcflag_t(ICANON) == 0
  }

  /// The process group that a key like Ctrl-C reaches.
  var foreground: pid_t { tcgetpgrp(descriptor) }
}
