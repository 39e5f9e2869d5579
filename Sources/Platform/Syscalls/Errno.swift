import CPlatform

/// The error of a system call; errno(3).
package struct Errno: Error, Equatable, Sendable {
  package let code: Int32

  package init(code: Int32) { self.code = code }

  /// The error of this thread's last failed call.
  package static var current: Errno { Errno(code: ebb_errno()) }

  /// The text of strerror(3), for example `No such file or directory`.
  package var description: String { String(cString: strerror(code)) }
}

/// Returns the value of a call that returns -1 for an error. Repeats the call on EINTR. Throws all other errors.
@discardableResult
func valueOrErrno<Value: SignedInteger>(_ call: () -> Value) throws(Errno) -> Value {
  while true {
    let value = call()
    if value != -1 { return value }
    let error = Errno.current
    if error.code != EINTR { throw error }
  }
}

/// Returns the elements that `call` writes to a buffer for `capacity` of them. `call` returns their number, or -1 and
/// errno; it is repeated on EINTR. Throws all other errors.
func readArray<Element>(
  upTo capacity: Int, _ call: (UnsafeMutablePointer<Element>) -> Int
) throws(Errno) -> [Element] {
  var failure: Errno?
  let elements = [Element](unsafeUninitializedCapacity: capacity) { buffer, count in
    guard let base = buffer.baseAddress else { return }
    do throws(Errno) {
      count = try valueOrErrno { call(base) }
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return elements
}
