import HTTP
import Platform
import Primitives

/// The response to a readiness check over HTTP.
struct ProbeResponse {
  enum State {
    case incomplete
    case ready
    /// Why the response does not count as ready.
    case failed(String)
  }

  private var bytes: [UInt8] = []

  /// Reads the bytes that have arrived, without blocking. Returns what all bytes so far say.
  mutating func read(from socket: Int32) -> State {
    do throws(Errno) {
      switch try receive(upTo: HTTPStatusLine.limit - bytes.count, from: socket) {
      case .nothing: return .incomplete
      case .end: return .failed("connection closed without a response")
      case .bytes(let more): bytes += more
      }
    } catch {
      return .failed(error.description)
    }
    let line = HTTPStatusLine(bytes)
    switch line {
    case .status(let status): return line.isGood ? .ready : .failed("HTTP \(status)")
    case .incomplete where bytes.count < HTTPStatusLine.limit: return .incomplete
    case .incomplete, .malformed: return .failed("no HTTP answer")
    }
  }
}
