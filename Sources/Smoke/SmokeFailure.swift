import Primitives

/// A request that failed.
package struct SmokeFailure: Sendable {
  /// `502`, `refused`, `reset`, `timeout`, ….
  let reason: String
  /// The moment of sending.
  let began: Instant
  /// The moment of failure.
  let ended: Instant
  /// The moment of failure on the wall clock, in milliseconds since 1970-01-01 UTC.
  let time: Int
  /// Whether the request is one of `--slow`.
  let isSlow: Bool

  /// The format of a loop around curl: `502 13:57:17`, UTC.
  var line: String {
    let bytes = Array(utcTimestamp(unixMilliseconds: time).utf8)
    return "\(reason) \(String(decoding: bytes[11..<19], as: UTF8.self))"
  }
}
