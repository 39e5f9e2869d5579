import Primitives

/// The text of /proc/PID/status, proc_pid_status(5): lines of `Key:<tab>value`. A hostile process name cannot start a
/// line, because the kernel escapes newlines in it.
package struct ProcPIDStatus {
  private let lines: [ArraySlice<UInt8>]

  package init(_ bytes: [UInt8]) { lines = bytes.split(separator: UInt8(ascii: "\n")) }

  func first(_ key: String) -> ArraySlice<UInt8>? { words(key).first }
  /// The real user ID.
  package var userID: Int? { first("Uid:").flatMap { parseDecimal($0, max: Int(UInt32.max)) } }
  /// The effective user ID, which owns the files that the process creates.
  package var effectiveUserID: Int? {
    words("Uid:").dropFirst().first.flatMap { parseDecimal($0, max: Int(UInt32.max)) }
  }
  /// The PID in the process's own PID namespace.
  package var ownPid: Int32? {
    last("NSpid:").flatMap { parseDecimal($0, max: Int(Int32.max)) }.map { Int32($0) }
  }

  func last(_ key: String) -> ArraySlice<UInt8>? { words(key).last }

  /// Parses a signal mask of 16 hexadecimal digits.
  func signals(_ key: String) -> SignalSet? {
    first(key).flatMap(parseHexadecimal).map { SignalSet(mask: $0) }
  }

  private func words(_ key: String) -> [ArraySlice<UInt8>] {
    guard let line = lines.first(where: { $0.starts(with: key.utf8) }) else { return [] }
    return line.dropFirst(key.utf8.count).split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
  }
}
