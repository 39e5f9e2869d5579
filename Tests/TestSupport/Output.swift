import Glibc

/// One line on standard error.
package func complain(_ line: String) {
  writeAll(line + "\n", to: 2)
}

/// Progress, on standard error so that the table can be redirected.
package func progress(_ line: String) {
  complain("… \(line)")
}

/// Writes the whole text; an error of a terminal or pipe is of no interest here.
package func writeAll(_ text: String, to descriptor: Int32) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if written < 0 {
      if errno == EINTR { continue }
      return
    }
    bytes = bytes.dropFirst(written)
  }
}
