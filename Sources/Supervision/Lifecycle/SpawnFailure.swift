/// Why a command did not start, and the code to exit with.
package struct SpawnFailure: Error, Sendable {
  /// The code to exit with.
  package let code: Int
  /// A sentence that names the command.
  package let message: String
  /// Of execve(2); errno(3).
  package let error: Int32
  package init(code: Int, message: String, error: Int32 = 0) {
    self.code = code
    self.message = message
    self.error = error
  }
}
