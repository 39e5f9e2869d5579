import HTTP

/// The request of a client of the health endpoint, parsed from the bytes received so far.
package enum HealthRequest: Equatable, Sendable {
  case incomplete
  case get(HealthPath, sendsBody: Bool)
  case refused(HTTPStatus)

  /// The maximum size of a request's head in bytes, including line ends.
  package static let limit = 2048

  /// Parses a request's head, RFC 9112. A body is ignored, because the connection is closed after the response.
  package init(_ bytes: [UInt8]) {
    // A request begins with a method, so reject anything else immediately. Skip empty lines before it.
    guard let start = bytes.firstIndex(where: { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }) else {
      self = bytes.count < HealthRequest.limit ? .incomplete : .refused(.headTooLarge)
      return
    }
    guard isTokenCharacter(bytes[start]) else {
      self = .refused(.badRequest)
      return
    }
    guard let end = endOfHead(bytes[start...]), end <= HealthRequest.limit else {
      self = bytes.count < HealthRequest.limit ? .incomplete : .refused(.headTooLarge)
      return
    }
    var lines = bytes[start..<end].split(separator: UInt8(ascii: "\n")).map {
      $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0
    }[...]
    guard let first = lines.popFirst(), lines.allSatisfy({ $0.isEmpty || isHTTPHeader($0) }) else {
      self = .refused(.badRequest)
      return
    }
    self.init(requestLine: first)
  }

  /// Parses `GET /readyz HTTP/1.1`.
  private init(requestLine: ArraySlice<UInt8>) {
    let words = requestLine.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(isTokenCharacter), !words[1].isEmpty,
      words[1].allSatisfy({ 0x21...0x7E ~= $0 }), words[2].count == 8, words[2].starts(with: "HTTP/1.".utf8),
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= words[2][words[2].endIndex - 1]
    else {
      self = .refused(.badRequest)
      return
    }
    let isHead = words[0].elementsEqual("HEAD".utf8)
    guard isHead || words[0].elementsEqual("GET".utf8) else {
      self = .refused(.methodNotAllowed)
      return
    }
    guard let path = HealthPath(target: words[1]) else {
      self = .refused(.notFound)
      return
    }
    self = .get(path, sendsBody: !isHead)
  }
}

/// The paths of the health endpoint.
package enum HealthPath: Sendable {
  case ready
  case live
  case status
  case metrics

  /// Parses a request's target, with or without a query. It may be a URL too, RFC 9112 section 3.2.2.
  fileprivate init?(target: ArraySlice<UInt8>) {
    var path = target
    if path.starts(withLowercase: "http://") {
      path = path.dropFirst(7).drop { $0 != UInt8(ascii: "/") }
    }
    path = path.prefix { $0 != UInt8(ascii: "?") }
    if path.elementsEqual("/readyz".utf8) {
      self = .ready
    } else if path.elementsEqual("/livez".utf8) {
      self = .live
    } else if path.elementsEqual("/status".utf8) {
      self = .status
    } else if path.elementsEqual("/metrics".utf8) {
      self = .metrics
    } else {
      return nil
    }
  }
}
