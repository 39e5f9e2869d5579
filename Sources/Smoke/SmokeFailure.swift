import Primitives

package struct SmokeFailure: Sendable {
  /// `502`, `refused`, `reset`, `timeout`, ….
  let reason: String
  let began: Instant
  let ended: Instant
  /// The moment of failure on the wall clock, in milliseconds since 1970-01-01 UTC.
  let time: Int
  let isSlow: Bool

  /// The server answered, with a status that is no success.
  var isStatus: Bool { parseDecimal(reason.utf8, max: 999) != nil }

  /// The format of a loop around curl: `502 13:57:17`, UTC.
  var line: String {
    let bytes = Array(utcTimestamp(unixMilliseconds: time).utf8)
    return "\(reason) \(String(decoding: bytes[11..<19], as: UTF8.self))"
  }
}
