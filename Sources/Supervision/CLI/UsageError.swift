import Primitives

/// A mistake of whoever called: one line, without the `ebb: ` in front.
package struct UsageError: Error, Sendable {
  /// What to print.
  package let message: String
  /// To exit with.
  package var code = ExitCode.ownFailure
}

extension UsageError {
  @inline(never)
  func of(_ command: String) -> UsageError { UsageError(message: "\(command): \(message)") }
}
