import Glibc
import TestSupport

/// Runs a program to its end. Returns its standard output without the last newline. Errors: the program cannot be started or
/// fails; the message includes its standard error.
func output(of words: [String]) throws(Failure) -> String {
  let (out, error) = (try makePipe(), try makePipe())
  let started = Result { () throws(Failure) in try Child(Launch(words, output: out.write, error: error.write)) }
  // Without this the pipes would not end.
  close(out.write)
  close(error.write)
  let child = try started.get()
  // Standard error fits into its pipe, so it can be read later.
  let text = try readToEnd(out.read)
  let complaint = try readToEnd(error.read)
  guard child.ending(within: -1) == .code(0) else {
    throw Failure("\(words.joined(separator: " ")): \(complaint.isEmpty ? text : complaint)")
  }
  return text.last == "\n" ? String(text.dropLast()) : text
}

private func readToEnd(_ descriptor: Int32) throws(Failure) -> String {
  let output = CapturedOutput(descriptor)
  while output.next(within: 300_000) != nil {}
  guard output.descriptor < 0 else { throw Failure("a command prints nothing for five minutes, and does not end") }
  return output.text
}
