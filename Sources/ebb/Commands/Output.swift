import CPlatform
import Platform
import Primitives

func printOut(_ text: [UInt8]) throws(CommandError) {
  do throws(Errno) {
    try writeAll(text, to: STDOUT_FILENO)
  } catch {
    throw CommandError(message: "cannot write to standard output: \(error.description)")
  }
}

func printError(_ message: String) -> Int32 {
  printError(Array("ebb: \(message)\n".utf8))
  return Int32(ExitCode.ownFailure)
}

/// Waits for standard error, because nothing runs yet, but only 1 s, because the caller waits for an exit code.
func printError(_ line: [UInt8]) {
  if waitUntilWritable(STDERR_FILENO, within: .seconds(1)) { try? writeAll(line, to: STDERR_FILENO) }
}
