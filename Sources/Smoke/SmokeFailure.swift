import Primitives

/// A request that failed.
package struct SmokeFailure: Sendable {
  /// `502`, `refused`, `reset`, `timeout`, ….
  let reason: String
  /// When it was sent.
  let began: Instant
  /// When it had failed.
  let ended: Instant
  /// The same on the wall clock: milliseconds since 1970-01-01 UTC.
  let time: Int
  /// Of `--slow`.
  let isSlow: Bool

  /// As a loop around curl prints it: `502 13:57:17`, UTC.
  var line: String {
    let bytes = Array(utcTimestamp(unixMilliseconds: time).utf8)
    return "\(reason) \(String(decoding: bytes[11..<19], as: UTF8.self))"
  }
}
