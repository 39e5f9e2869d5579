import CPlatform

/// A system call's error; errno(3).
package struct Errno: Error, Equatable, Sendable {
  /// The number; errno(3).
  package let code: Int32

  /// Of a number that a call gave.
  package init(code: Int32) { self.code = code }

  /// That of this thread's last failed call.
  package static var current: Errno { Errno(code: ebb_errno()) }

  /// `No such file or directory`.
  package var description: String { String(cString: strerror(code)) }
}

/// The value of a call that says -1 for an error, repeated while a signal interrupts it (EINTR).
@discardableResult
func valueOrErrno<Value: SignedInteger>(_ call: () -> Value) throws(Errno) -> Value {
  while true {
    let value = call()
    if value != -1 { return value }
    let error = Errno.current
    if error.code != EINTR { throw error }
  }
}
