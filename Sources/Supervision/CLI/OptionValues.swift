// The parsers of option values. Each throws `InvalidValue` with the expected format.

import HTTP
import Primitives

func parseDuration(_ text: String) throws(InvalidValue) -> TimeAmount {
  guard let span = TimeAmount(text: text) else {
    throw InvalidValue(
      reason: "is not a duration: expected e.g. 10s, 500ms or 1m30s, at most \(TimeAmount.longest.description)")
  }
  return span
}

func parseSignal(_ text: String) throws(InvalidValue) -> Signal {
  guard let signal = Signal(text: text) else {
    throw InvalidValue(reason: "is not a signal: expected e.g. TERM, SIGTERM, 15 or RTMIN+3")
  }
  return signal
}

func parseForwardableSignal(_ text: String) throws(InvalidValue) -> Signal {
  guard let signal = Signal(text: text), !SignalSet.neverForwarded.contains(signal) else {
    throw InvalidValue(
      reason: "is not a signal that can be forwarded: expected e.g. TERM, SIGTERM, 15 or RTMIN+3, "
        + "and none of \(SignalSet.neverForwarded.signals.map { $0.name }.joinedBySpaces)")
  }
  return signal
}

func parseForwardableSignals(_ list: String) throws(InvalidValue) -> SignalSet {
  var signals = SignalSet()
  for part in list.split(onByte: UInt8(ascii: ",")) { signals.insert(try parseForwardableSignal(part)) }
  return signals
}

func parseRewrite(_ text: String) throws(InvalidValue) -> (from: Signal, to: Signal?) {
  let parts = text.split(onByte: UInt8(ascii: ":"))
  guard parts.count == 2 else {
    throw InvalidValue(reason: "is not a rewrite: expected FROM:TO, e.g. TERM:QUIT, or HUP:0 to drop it")
  }
  let from = try parseForwardableSignal(parts[0])
  return parts[1].bytesEqual("0") ? (from, nil) : (from, try parseSignal(parts[1]))
}

func parseExitCodeRemap(_ text: String) throws(InvalidValue) -> ExitCodeRemap {
  let parts = text.split(onByte: UInt8(ascii: ":"))
  guard parts.count <= 2, let from = parseDecimal(parts[0].utf8, max: 255),
    let to = parts.count == 1 ? 0 : parseDecimal(parts[1].utf8, max: 255)
  else { throw InvalidValue(reason: "is not a remap: expected CODE or CODE:TO, each 0 to 255, e.g. 143 or 143:0") }
  return ExitCodeRemap(from: from, to: to)
}

func parsePID(_ text: String) throws(InvalidValue) -> Int32 {
  guard let pid = parseDecimal(text.utf8, max: Int(Int32.max)), pid > 0 else {
    throw InvalidValue(reason: "is not a pid: expected a number from 1 on")
  }
  return Int32(pid)
}

func parsePort(_ text: String) throws(InvalidValue) -> UInt16 {
  guard let port = parsePortNumber(text.utf8) else { throw InvalidValue(reason: "is not a port: expected 1 to 65535") }
  return port
}

func parsePortList(_ text: String) throws(InvalidValue) -> [Port] {
  var ports: [Port] = []
  for part in text.split(onByte: UInt8(ascii: ",")) {
    let words = part.split(onByte: UInt8(ascii: "="))
    let speaks = words.count == 2 ? PortProtocol.allCases.first { $0.name.bytesEqual(words[1]) } : nil
    guard words.count == 1 || speaks != nil, let number = parsePortNumber(words[0].utf8) else {
      throw InvalidValue(
        reason: "is not a list of ports: expected PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp), "
          + "e.g. 8080,8443=https")
    }
    if !ports.contains(where: { $0.number == number }) { ports.append(Port(number, speaks: speaks)) }
  }
  return ports
}

func parseDrainMode(_ text: String) throws(InvalidValue) -> DrainMode {
  for mode in DrainMode.allCases where text.bytesEqual(mode.name) { return mode }
  throw InvalidValue(reason: "is not a drain mode: expected time, idle or zero")
}

func parseURL(_ text: String) throws(InvalidValue) -> HTTPURL {
  guard let url = HTTPURL(text: text) else {
    if Array(text.utf8).starts(withLowercase: "https://") {
      throw InvalidValue(
        reason:
          "needs TLS, which ebb does not speak: use a plain HTTP port, a TCP check (--tcp, --ready-tcp), or a client "
          + "such as curl")
    }
    throw InvalidValue(reason: "is not a URL that ebb can ask: expected \(HTTPURL.expectation)")
  }
  return url
}

func parseHealthAddress(_ text: String) throws(InvalidValue) -> HealthAddress {
  guard let address = HealthAddress(text: text) else {
    throw InvalidValue(reason: "is not an address to listen on: expected e.g. 8086, 127.0.0.1:8086 or [::1]:8086")
  }
  return address
}

func parseCommand(_ text: String) throws(InvalidValue) -> [String] {
  guard let words = splitShellWords(text), let first = words.first, !first.utf8.isEmpty else {
    throw InvalidValue(reason: "is not a command: expected words, with each quote closed")
  }
  return words
}

func parsePath(_ text: String) throws(InvalidValue) -> String {
  guard text.hasBytePrefix("/") else {
    throw InvalidValue(reason: "is not an absolute path: expected e.g. /dev/termination-log")
  }
  return text
}

func parseLogFormat(_ text: String) throws(InvalidValue) -> LogFormat {
  if text.bytesEqual("text") { return .text }
  if text.bytesEqual("json") { return .json }
  throw InvalidValue(reason: "is not a log format: expected text or json")
}

func parseFlag(_ text: String) throws(InvalidValue) -> Bool {
  for yes in ["yes", "true", "on", "1"] where text.bytesEqual(yes) { return true }
  for no in ["no", "false", "off", "0", ""] where text.bytesEqual(no) { return false }
  throw InvalidValue(reason: "is not a yes or no: expected yes, true, on, 1 or no, false, off, 0")
}

func parseVerbosity(_ text: String) throws(InvalidValue) -> Int {
  if let level = parseDecimal(text.utf8, max: 9) { return level }
  guard let isOn = try? parseFlag(text) else {
    throw InvalidValue(reason: "is not a verbosity: expected yes, no or a number of 0 to 9")
  }
  return isOn ? 1 : 0
}
