import Primitives

/// A mistake of the caller: one line, without the prefix `ebb: `.
package struct UsageError: Error, Sendable {
  package let message: String
  package var code = ExitCode.ownFailure
}

extension UsageError {
  @inline(never)
  func of(_ command: String) -> UsageError { UsageError(message: "\(command): \(message)") }
}
