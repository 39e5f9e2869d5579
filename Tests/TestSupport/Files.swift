import Glibc

/// Returns the message of an errno value.
package func text(_ error: Int32) -> String {
  String(cString: strerror(error))
}

/// Reads a small file, for example one of /proc, as text.
///
/// - Throws: A `Failure` if it cannot be opened or read.
package func readFile(_ path: String) throws(Failure) -> String {
  String(decoding: try readBytes(path), as: UTF8.self)
}

/// Reads a file to its end. Files of /proc have size 0 and return one page at a time.
///
/// - Throws: A `Failure` if it cannot be opened or read.
package func readBytes(_ path: String) throws(Failure) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw Failure("cannot open \(path): \(text(errno))") }
  defer { close(descriptor) }
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count == 0 { return result }
    if count < 0 {
      if errno == EINTR { continue }
      throw Failure("cannot read \(path): \(text(errno))")
    }
    result += buffer[..<count]
  }
}

/// Returns the target of a symbolic link, or `nil` if it cannot be read.
package func readLink(_ path: String) -> String? {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let length = readlink(path, &buffer, buffer.count)
  return length > 0 ? String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
}

/// Returns the names in a folder; empty if the folder cannot be read. Names that begin with a dot are omitted unless
/// `hidden` is set.
package func names(in folder: String, hidden: Bool = false) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var result: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if hidden ? name != "." && name != ".." : !name.hasPrefix(".") { result.append(name) }
  }
  return result
}
