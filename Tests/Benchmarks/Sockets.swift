// What the measurements need of TCP and HTTP: loopback only, one request a connection, as ebb serves it.

import Glibc

private let loopback = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)

/// A listener on a free port of the loopback address.
func listenOnLoopback() throws(Failure) -> (socket: Int32, port: UInt16) {
  let listener = try makeSocket()
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr = loopback
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isListening = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(listener, $0, size) == 0 && listen(listener, 128) == 0 && getsockname(listener, $0, &size) == 0
    }
  }
  guard isListening else {
    let error = errno
    close(listener)
    throw Failure("cannot listen on loopback: \(text(error))")
  }
  return (listener, UInt16(bigEndian: address.sin_port))
}

/// A port that nobody listens on at the moment.
func freePort() throws(Failure) -> UInt16 {
  let (listener, port) = try listenOnLoopback()
  close(listener)
  return port
}

/// The status of a GET over a connection of its own, read to the end; nil for whatever went wrong.
func get(_ path: String, port: UInt16) -> Int? {
  guard let socket = try? makeSocket() else { return nil }
  defer { close(socket) }
  var limit = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr = loopback
  let size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isConnected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) == 0 }
  }
  let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
  guard isConnected, sendAll(request, over: socket) else { return nil }
  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1024)
  while true {
    let count = recv(socket, &buffer, buffer.count, 0)
    if count < 0 { return nil }
    if count == 0 { break }
    answer += buffer[..<count]
  }
  let words = String(decoding: answer, as: UTF8.self).split(separator: " ", maxSplits: 2)
  return words.count > 1 && words[0].hasPrefix("HTTP/") ? Int(words[1]) : nil
}

/// Answers the next connection's request with 200.
func answerOne(_ listener: Int32) {
  let socket = accept(listener, nil, nil)
  guard socket >= 0 else { return }
  defer { close(socket) }
  var buffer = [UInt8](repeating: 0, count: 1024)
  guard recv(socket, &buffer, buffer.count, 0) > 0 else { return }
  _ = sendAll("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", over: socket)
}

private func makeSocket() throws(Failure) -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { throw Failure("socket: \(text(errno))") }
  return descriptor
}

/// The texts are far smaller than a socket's buffer: they go in one piece.
private func sendAll(_ text: String, over socket: Int32) -> Bool {
  let bytes = Array(text.utf8)
  return send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
}
