/// The reason why a command did not start, and the resulting exit code.
package struct SpawnFailure: Error, Sendable {
  package let code: Int
  /// A sentence that names the command.
  package let message: String
  /// The errno of execve(2); errno(3).
  package let error: Int32
  package init(code: Int, message: String, error: Int32 = 0) {
    self.code = code
    self.message = message
    self.error = error
  }
}
