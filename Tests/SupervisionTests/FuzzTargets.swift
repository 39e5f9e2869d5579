// Every parser of bytes that other programs write, with a property that must be true of any bytes. Runs in the unit tests
// with their own mutator (FuzzTests.swift), and under libFuzzer (Tests/Fuzz), which compiles this file and the sources
// with its counters.

@testable import HTTP
@testable import LinuxFormats
@testable import Primitives
@testable import Smoke
@testable import Supervision

/// A parser to fuzz: its name, the first inputs, and a check that traps, or returns what is wrong and `nil` if nothing is.
struct FuzzTarget: Sendable {
  let name: String
  let seeds: [[UInt8]]
  let check: @Sendable ([UInt8]) -> String?

  init(name: String, bytes seeds: [[UInt8]], check: @escaping @Sendable ([UInt8]) -> String?) {
    (self.name, self.seeds, self.check) = (name, seeds, check)
  }

  init(name: String, seeds: [String], check: @escaping @Sendable ([UInt8]) -> String?) {
    self.init(name: name, bytes: seeds.map { Array($0.utf8) }, check: check)
  }

  static let all = [
    FuzzTarget(
      name: "health request",
      seeds: [
        "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD http://h/metrics?a HTTP/1.0\n\n",
        "\r\n\nPUT * HTTP/1.1\r\nA:\tb\r\n\r\n",
      ], check: checkRequest),
    FuzzTarget(
      name: "HTTP answer",
      seeds: ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n", "HTTP/1.0 503\n", "SSH-2.0"],
      check: checkAnswer),
    FuzzTarget(
      name: "HTTP response",
      seeds: [
        "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nok\n\r\n0\r\nB: c\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 3\nConnection: close\n\nok\n", "HTTP/1.0 204\r\n\r\n",
      ], check: checkResponse),
    FuzzTarget(
      name: "final report",
      seeds: [
        "ebb: event=exited killed=true delay_ms=12 advice=\"a \\\"b\" msg=\"x\"",
        "{\"event\":\"exited\",\"killed\":false,\"delay_ms\":null,\"advice\":\"c\"}",
      ], check: checkReport),
    FuzzTarget(
      name: "URL", seeds: ["http://[1:2::3:4.5.6.7]:80/a?b", "HTTP://LOCALHOST", "http://127.0.0.1:65535?x"],
      check: checkURL),
    FuzzTarget(
      name: "address", seeds: ["[::ffff:1.2.3.4]:8086", "10.0.0.1:1", "65535", "[1:2:3:4:5:6:7:8]:9"],
      check: checkAddress),
    FuzzTarget(name: "words", seeds: ["\\'\u{301}", "a 'b c' \"d\\\"e\\\\\" f\\ g ''", "'", "\\"], check: checkWords),
    FuzzTarget(
      name: "/proc/PID/stat",
      seeds: ["7 (a) b) c) S 1 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 12345 0 0", "1 () R 0", ")("],
      check: checkStat),
    FuzzTarget(
      name: "/proc/PID/status",
      seeds: [
        "7 (a) S 1 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 12345 0 0\0VmRSS:\t 123 kB\nSigBlk:\t00ff\nSigIgn:\t0\nSigCgt:\t1\nNSpid:\t9\t7\n"
      ], check: checkStatus),
    FuzzTarget(
      name: "sock_diag", bytes: [DiagBytes.message(), DiagBytes.message() + DiagBytes.done], check: checkDiag),
    FuzzTarget(
      name: "/proc/net",
      seeds: [
        "  0: 0100007F:1F90 0100007F:B3C6 01 00000005:00000007 00:00000000 00000000 33 0 4711 1 0 20 4 30 10 -1\n",
        "1: 00000000000000000000000001000000:0016 0000000000000000FFFF00000100007F:0000 0A 0:0 0:0 0 0 0 1 1 0 100",
        "0000: 00000002 00000000 00010000 0001 01 30012 /run/a\n", "socket:[4294967295]", "0::/a/b\n",
        "Tcp: A PassiveOpens\nTcp: -1 7\n", "7 (a) b) Z 1 7 7 0 -1 0 0 0 0 0 1 2 0 0 20 0 2 0 5",
        "21 1 0:21 / /proc rw - proc proc rw,hidepid=2",
      ], check: checkProcNet),
    FuzzTarget(name: "status page", seeds: ["ebb-stat\u{1}\0\0\0"], check: checkPage),
    FuzzTarget(
      name: "options",
      seeds: [
        "--delay\n1m30s\n-e143:0\n-gw\n--\na", "--rewrite=TERM:RTMIN+3\n-tx\nb",
        "-p\nSIGUSR1\n--health=[::1]:1\n-vvq\nc",
        "--ready-http\nhttp://localhost/\n--ready-tcp=1\n--pre-stop=a 'b'\nd",
        "smoke\n-gt9\n--lag=1s\n--tcp=1\n--output=tap:x\nd", "--stop-signals=TERM,15,\n--log=json",
      ], check: checkOptions),
  ]
}

/// Builds messages of sock_diag(7).
enum DiagBytes {
  /// struct inet_diag_msg and the attributes behind it.
  static func message(
    type: UInt16 = 20, flags: UInt16 = 2, sequence: UInt32 = 1, family: UInt8 = 2, state: UInt8 = 1,
    localPort: UInt16 = 80, peerPort: UInt16 = 1000, peer: [UInt32] = [0x7F00_0001, 0, 0, 0],
    local: [UInt32] = [0, 0, 0, 0], queues: [UInt32] = [0, 0], inode: UInt32 = 9, cookie: UInt64 = 0,
    attributes: [UInt8] = attribute(2, info())
  ) -> [UInt8] {
    var bytes: [UInt8] = [family, state, 0, 0] + native(localPort.bigEndian) + native(peerPort.bigEndian)
    for word in local + peer { bytes += native(word.bigEndian) }
    bytes += native(0 as UInt32) + native(cookie) + native(0 as UInt32)  // interface, cookie, expiry
    bytes += native(queues[0]) + native(queues[1]) + native(0 as UInt32) + native(inode) + attributes
    return header(type, flags, sequence, count: bytes.count) + bytes
  }

  /// struct tcp_info; ages in milliseconds.
  static func info(
    sent: UInt32 = 1, received: UInt32 = 2, acknowledged: UInt32 = 3, bytes: UInt64 = 4, answered: UInt64 = 5,
    length: Int = 232
  ) -> [UInt8] {
    var info = [UInt8](repeating: 0, count: 232)
    info.replaceSubrange(44..<48, with: native(sent))
    info.replaceSubrange(52..<56, with: native(received))
    info.replaceSubrange(56..<60, with: native(acknowledged))
    info.replaceSubrange(120..<128, with: native(answered))
    info.replaceSubrange(128..<136, with: native(bytes))
    return Array(info.prefix(length))
  }

  static func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    native(UInt16(4 + value.count)) + native(type) + value + [UInt8](repeating: 0, count: -value.count & 3)
  }

  static let done = ending(type: 3)

  /// NLMSG_DONE or NLMSG_ERROR.
  static func ending(type: UInt16, code: Int32 = 0, sequence: UInt32 = 1) -> [UInt8] {
    header(type, 2, sequence, count: 4) + native(code)
  }

  /// struct nlmsghdr of a message with `count` bytes behind it.
  static func header(_ type: UInt16, _ flags: UInt16 = 2, _ sequence: UInt32 = 1, count: Int) -> [UInt8] {
    native(UInt32(16 + count)) + native(type) + native(flags) + native(sequence) + native(0 as UInt32)
  }

  private static func native(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Bytes behind a complete request do not change its meaning, and each request has one response.
private func checkRequest(_ bytes: [UInt8]) -> String? {
  let request = HealthRequest(bytes)
  let answer = request.response { _ in .liveness }
  guard request != .incomplete else {
    if bytes.count >= HealthRequest.limit { return "waits for more than it will read" }
    return answer.isEmpty ? nil : "answers an incomplete request"
  }
  if case .get = request, HealthRequest(bytes + Array("\r\n\r\nGET / HTTP/1.1".utf8)) != request {
    return "depends on what follows"
  }
  if !answer.starts(with: "HTTP/1.1 ".utf8) || endOfHead(answer[...]) == nil { return "not an HTTP response" }
  return nil
}

private func checkAnswer(_ bytes: [UInt8]) -> String? {
  let answer = HTTPStatusLine(bytes)
  if case .status(let status) = answer, !(200...599 ~= status) { return "status \(status)" }
  if answer != .incomplete, HTTPStatusLine(bytes + [0x0A]) != answer { return "depends on what follows" }
  return nil
}

/// A response is the same in one piece and byte by byte.
private func checkResponse(_ bytes: [UInt8]) -> String? {
  var whole = HTTPResponseParser()
  whole.take(bytes)
  var pieces = HTTPResponseParser()
  for byte in bytes { pieces.take([byte]) }
  if whole.state != pieces.state { return "\(whole.state) as a whole, \(pieces.state) in pieces" }
  if whole.state == .complete, whole.status != pieces.status { return "another status in pieces" }
  if let status = whole.status, !(200...599 ~= status) { return "status \(status)" }
  return nil
}

private func checkReport(_ bytes: [UInt8]) -> String? {
  guard let report = FinalReport(bytes) else { return nil }
  for key in ["", "killed", "delay_ms", "advice", "\""] {
    _ = (report.flag(key), report.text(key))
    if let span = report.span(key), span < .zero || span > .longest { return "\(key) \(span)" }
  }
  return nil
}

/// The request for a parsed URL has one head, and three words in its first line.
private func checkURL(_ bytes: [UInt8]) -> String? {
  guard let url = HTTPURL(text: text(bytes)) else { return nil }
  if url.addresses.isEmpty || url.addresses.contains(where: { $0.port == 0 }) { return "no address" }
  let request = url.getRequest()
  if endOfHead(request[...]) != request.count { return "more than one head" }
  let words = request.prefix { $0 != 0x0D }.split(separator: 0x20, omittingEmptySubsequences: false)
  return words.count == 3 && words[1].first == UInt8(ascii: "/") ? nil : "request line of \(words.count) words"
}

/// The printed form of an address is parsed to that address.
private func checkAddress(_ bytes: [UInt8]) -> String? {
  guard let address = HealthAddress(text: text(bytes)) else { return nil }
  for candidate in address.candidates {
    guard case .at(let again)? = HealthAddress(text: candidate.description), again == candidate else {
      return candidate.description
    }
  }
  return nil
}

/// The words, quoted again, are split into the same words.
private func checkWords(_ bytes: [UInt8]) -> String? {
  guard let found = splitShellWords(text(bytes)) else { return nil }
  var line: [UInt8] = []
  for word in found {
    line += Array(" '".utf8)
    for byte in word.utf8 { line += byte == UInt8(ascii: "'") ? Array("'\\''".utf8) : [byte] }
    line.append(UInt8(ascii: "'"))
  }
  // Bytes are compared, because a quote and an accent behind it are one Character, which is not a quote.
  let again = splitShellWords(text(line))?.map { Array($0.utf8) }
  return again == found.map { Array($0.utf8) } ? nil : "\(found) became \(again ?? [])"
}

private func checkStat(_ bytes: [UInt8]) -> String? {
  guard let entry = ProcPIDStat(stat: bytes) else { return nil }
  return entry.pid >= 0 && entry.parent >= 0 ? nil : "negative pid"
}

/// The bytes before the first zero byte are /proc/PID/stat, those behind it /proc/PID/status.
private func checkStatus(_ bytes: [UInt8]) -> String? {
  let stat = bytes.prefix { $0 != 0 }
  let status = Array(bytes.dropFirst(stat.count + 1))
  _ = ProcessDetails.Thread(status: status, place: Array(stat))
  guard let details = ProcessDetails(stat: Array(stat), status: status, depth: 0, sinceBoot: .seconds(1000)) else {
    return nil
  }
  return details.ownPid >= 0 && details.age >= .zero && details.residentBytes ?? 0 >= 0 ? nil : "a negative number"
}

/// Bytes behind a message do not change it, and give no more messages than they have room for.
private func checkDiag(_ bytes: [UInt8]) -> String? {
  let first = DiagBytes.message(localPort: 8080, inode: 4711)
  return (first + bytes).withUnsafeBytes { all in
    var messages = SockDiagResponse(all, sequence: 1)
    guard case .socket(let row) = messages.next(), row.localPort == 8080, row.inode == 4711 else {
      return "depends on what follows"
    }
    var count = 0
    while let message = messages.next() {
      count += 1
      if case .socket(let row) = message { _ = row.connection.map { $0.class(quiet: .seconds(1)) } }
      if case .failed(let code) = message, code == 0 { return "an error without a number" }
      if (count - 1) * 16 > bytes.count { return "\(count) messages in \(bytes.count) bytes" }
    }
    return nil
  }
}

/// Parses the first line as each kind of line, and all bytes as each kind of file.
private func checkProcNet(_ bytes: [UInt8]) -> String? {
  let line = bytes.prefix { $0 != 0x0A }
  let row = SocketRecord(line: line)
  if row?.connection?.class(quiet: .zero) == .idle { return "idle without ages" }
  _ = (
    parseListeningUnixInode(line: line), parseSocketInode(link: line), hidesProcesses(mount: line),
    row?.isDatagramServer
  )
  _ = (parseControlGroupPath(bytes), ThreadGroupState(stat: bytes))
  return parsePassiveOpens(snmp: bytes) ?? 0 >= 0 ? nil : "a negative number"
}

/// Decodes the bytes as a page, and as changes to a valid page.
private func checkPage(_ bytes: [UInt8]) -> String? {
  _ = try? StatusPage.decode(bytes)
  let fields = SupervisorInfo(pid: 1, startedAt: Instant(nanoseconds: 0), argv: [text(bytes)], options: RunOptions())
  var page = StatusPage.page(Status(info: fields, snapshot: StatusSnapshot(since: Instant(nanoseconds: 0))))
  guard (try? StatusPage.decode(page)) != nil else { return "cannot decode a valid page" }
  for (offset, byte) in bytes.enumerated() { page[offset * 37 % page.count] ^= byte }
  _ = try? StatusPage.decode(page)
  return nil
}

/// Parses the lines as arguments, then the first line as the value of every variable. An error is one line.
private func checkOptions(_ bytes: [UInt8]) -> String? {
  let line = text(bytes)
  let words = line.split(onByte: UInt8(ascii: "\n"))
  for attempt in [(words, ""), (["a"], words[0])] {
    do throws(UsageError) {
      switch try parse(arguments: attempt.0, variable: { _ in attempt.1.isEmpty ? nil : attempt.1 }) {
      case .run(_, let commandAt): if commandAt >= attempt.0.count { return "a command behind the last argument" }
      case .smoke(let options, let commandAt):
        if commandAt >= attempt.0.count { return "a command behind the last argument" }
        if options.passedOn.contains(where: { !(1..<commandAt ~= $0) }) {
          return "passes on arguments that are not options"
        }
      default: continue
      }
    } catch {
      if error.message.isEmpty || error.message.utf8.contains(where: { $0 < 0x20 }) {
        return "not one line: \(error.message)"
      }
    }
  }
  return nil
}
