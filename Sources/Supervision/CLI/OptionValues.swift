// What a value may be. Each function says what it expects, once.

func span(_ text: String) throws(Unacceptable) -> Span {
  guard let span = Span(text: text) else {
    throw Unacceptable(reason: "is not a duration: expected e.g. 10s, 500ms or 1m30s, at most \(Span.longest.text)")
  }
  return span
}

func signal(_ text: String) throws(Unacceptable) -> Signal {
  guard let signal = Signal(text: text) else {
    throw Unacceptable(reason: "is not a signal: expected e.g. TERM, SIGTERM, 15 or RTMIN+3")
  }
  return signal
}

func forwardable(_ text: String) throws(Unacceptable) -> Signal {
  guard let signal = Signal(text: text), !SignalSet.neverForwarded.contains(signal) else {
    throw Unacceptable(
      reason: "is not a signal that can be forwarded: expected e.g. TERM, SIGTERM, 15 or RTMIN+3, "
        + "and none of \(SignalSet.neverForwarded.signals.map { $0.name }.joinedBySpaces)")
  }
  return signal
}

func forwardable(list: String) throws(Unacceptable) -> SignalSet {
  var signals = SignalSet()
  for part in list.parts(separatedBy: UInt8(ascii: ",")) { signals.insert(try forwardable(part)) }
  return signals
}

func rewrite(_ text: String) throws(Unacceptable) -> (from: Signal, to: Signal?) {
  let parts = text.parts(separatedBy: UInt8(ascii: ":"))
  guard parts.count == 2 else {
    throw Unacceptable(reason: "is not a rewrite: expected FROM:TO, e.g. TERM:QUIT, or HUP:0 to drop it")
  }
  let from = try forwardable(parts[0])
  return parts[1].isSame(as: "0") ? (from, nil) : (from, try signal(parts[1]))
}

func remap(_ text: String) throws(Unacceptable) -> ExitCodeRemap {
  let parts = text.parts(separatedBy: UInt8(ascii: ":"))
  guard parts.count <= 2, let from = wholeNumber(parts[0].utf8, upTo: 255),
    let to = parts.count == 1 ? 0 : wholeNumber(parts[1].utf8, upTo: 255)
  else { throw Unacceptable(reason: "is not a remap: expected CODE or CODE:TO, each 0 to 255, e.g. 143 or 143:0") }
  return ExitCodeRemap(from: from, to: to)
}

func port(_ text: String) throws(Unacceptable) -> UInt16 {
  guard let port = portNumber(text.utf8) else { throw Unacceptable(reason: "is not a port: expected 1 to 65535") }
  return port
}

func portList(_ text: String) throws(Unacceptable) -> [Port] {
  var ports: [Port] = []
  for part in text.parts(separatedBy: UInt8(ascii: ",")) {
    let words = part.parts(separatedBy: UInt8(ascii: "="))
    let speaks = words.count == 2 ? PortProtocol.allCases.first { $0.name.isSame(as: words[1]) } : nil
    guard words.count == 1 || speaks != nil, let number = portNumber(words[0].utf8) else {
      throw Unacceptable(
        reason: "is not a list of ports: expected PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp), "
          + "e.g. 8080,8443=https")
    }
    if !ports.contains(where: { $0.number == number }) { ports.append(Port(number, speaks: speaks)) }
  }
  return ports
}

func drainMode(_ text: String) throws(Unacceptable) -> DrainMode {
  if text.isSame(as: "idle") { return .idle }
  if text.isSame(as: "zero") { return .zero }
  if text.isSame(as: "time") { return .time }
  throw Unacceptable(reason: "is not a drain mode: expected time, idle or zero")
}

func url(_ text: String) throws(Unacceptable) -> HTTPURL {
  guard let url = HTTPURL(text: text) else {
    if Array(text.utf8).starts(withLowercase: "https://") {
      throw Unacceptable(
        reason:
          "needs TLS, which ebb does not speak: use a plain HTTP port, a TCP check (--tcp, --ready-tcp), or a client "
          + "such as curl")
    }
    throw Unacceptable(reason: "is not a URL that ebb can ask: expected \(HTTPURL.expectation)")
  }
  return url
}

func healthAddress(_ text: String) throws(Unacceptable) -> HealthAddress {
  guard let address = HealthAddress(text: text) else {
    throw Unacceptable(reason: "is not an address to listen on: expected e.g. 8086, 127.0.0.1:8086 or [::1]:8086")
  }
  return address
}

func command(_ text: String) throws(Unacceptable) -> [String] {
  guard let words = words(of: text), let first = words.first, !first.utf8.isEmpty else {
    throw Unacceptable(reason: "is not a command: expected words, with each quote closed")
  }
  return words
}

func path(_ text: String) throws(Unacceptable) -> String {
  guard text.starts(withText: "/") else {
    throw Unacceptable(reason: "is not an absolute path: expected e.g. /dev/termination-log")
  }
  return text
}

func format(_ text: String) throws(Unacceptable) -> LogFormat {
  if text.isSame(as: "text") { return .text }
  if text.isSame(as: "json") { return .json }
  throw Unacceptable(reason: "is not a log format: expected text or json")
}

func flag(_ text: String) throws(Unacceptable) -> Bool {
  for yes in ["yes", "true", "on", "1"] where text.isSame(as: yes) { return true }
  for no in ["no", "false", "off", "0", ""] where text.isSame(as: no) { return false }
  throw Unacceptable(reason: "is not a yes or no: expected yes, true, on, 1 or no, false, off, 0")
}

func level(_ text: String) throws(Unacceptable) -> Int {
  if let level = wholeNumber(text.utf8, upTo: 9) { return level }
  guard let isOn = try? flag(text) else {
    throw Unacceptable(reason: "is not a verbosity: expected yes, no or a number of 0 to 9")
  }
  return isOn ? 1 : 0
}
