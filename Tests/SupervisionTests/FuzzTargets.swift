// Everything that reads bytes which somebody else wrote, and what must hold whatever they are. Runs in the unit tests
// with a mutator of its own (FuzzTests.swift), and under libFuzzer (Tests/Fuzz), which compiles it into the same module
// as the sources.

@testable import Supervision

/// A parser under attack: a name, inputs to begin with, and a check that traps or returns what is wrong.
struct FuzzTarget: Sendable {
  let name: String
  let seeds: [String]
  let check: @Sendable ([UInt8]) -> String?

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
    FuzzTarget(name: "status page", seeds: ["ebb-stat\u{1}\0\0\0"], check: checkPage),
    FuzzTarget(
      name: "options",
      seeds: [
        "--delay\n1m30s\n-e143:0\n-gw\n--\na", "--rewrite=TERM:RTMIN+3\n-tx\nb",
        "-p\nSIGUSR1\n--health=[::1]:1\n-vvq\nc",
        "--ready-http\nhttp://localhost/\n--ready-tcp=1\n--pre-stop=a 'b'\nd", "--stop-signals=TERM,15,\n--log=json",
      ], check: checkOptions),
  ]
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// What has been understood once does not change with what comes behind it, and an answer is one answer.
private func checkRequest(_ bytes: [UInt8]) -> String? {
  let request = HealthRequest(bytes)
  let answer = healthAnswer(request) { _ in .liveness }
  guard request != .incomplete else {
    if bytes.count >= HealthRequest.limit { return "waits for more than it will read" }
    return answer.isEmpty ? nil : "answers what was not asked yet"
  }
  if case .get = request, HealthRequest(bytes + Array("\r\n\r\nGET / HTTP/1.1".utf8)) != request {
    return "depends on what follows"
  }
  if !answer.starts(with: "HTTP/1.1 ".utf8) || endOfHead(answer[...]) == nil { return "no HTTP answer" }
  return nil
}

private func checkAnswer(_ bytes: [UInt8]) -> String? {
  let answer = HTTPAnswer(bytes)
  if case .status(let status) = answer, !(200...599 ~= status) { return "status \(status)" }
  if answer != .incomplete, HTTPAnswer(bytes + [0x0A]) != answer { return "depends on what follows" }
  return nil
}

/// A URL that was taken makes a request of one head, and of three words in its first line.
private func checkURL(_ bytes: [UInt8]) -> String? {
  guard let url = HTTPURL(text: text(bytes)) else { return nil }
  if url.addresses.isEmpty || url.addresses.contains(where: { $0.port == 0 }) { return "no address" }
  let request = httpGet(url)
  if endOfHead(request[...]) != request.count { return "more than one head" }
  let words = request.prefix { $0 != 0x0D }.split(separator: 0x20, omittingEmptySubsequences: false)
  return words.count == 3 && words[1].first == UInt8(ascii: "/") ? nil : "request line of \(words.count) words"
}

/// What is shown of an address is that address.
private func checkAddress(_ bytes: [UInt8]) -> String? {
  guard let address = HealthAddress(text: text(bytes)) else { return nil }
  for candidate in address.candidates {
    guard case .at(let again)? = HealthAddress(text: candidate.text), again == candidate else { return candidate.text }
  }
  return nil
}

/// Quoted again, the words are the same words.
private func checkWords(_ bytes: [UInt8]) -> String? {
  guard let found = words(of: text(bytes)) else { return nil }
  var line: [UInt8] = []
  for word in found {
    line += Array(" '".utf8)
    for byte in word.utf8 { line += byte == UInt8(ascii: "'") ? Array("'\\''".utf8) : [byte] }
    line.append(UInt8(ascii: "'"))
  }
  // Bytes are compared: a quote and an accent behind it are one Character, and no quote.
  let again = words(of: text(line))?.map { Array($0.utf8) }
  return again == found.map { Array($0.utf8) } ? nil : "\(found) became \(again ?? [])"
}

private func checkStat(_ bytes: [UInt8]) -> String? {
  guard let entry = ProcessEntry(stat: bytes) else { return nil }
  return entry.pid >= 0 && entry.parent >= 0 ? nil : "negative pid"
}

/// What stands before the first zero byte is /proc/PID/stat.
private func checkStatus(_ bytes: [UInt8]) -> String? {
  let stat = bytes.prefix { $0 != 0 }
  let status = Array(bytes.dropFirst(stat.count + 1))
  _ = ProcessDetails.Thread(status: status, place: Array(stat))
  guard let details = ProcessDetails(stat: Array(stat), status: status, depth: 0, sinceBoot: .seconds(1000)) else {
    return nil
  }
  return details.ownPid >= 0 && details.age >= .zero && details.residentBytes ?? 0 >= 0 ? nil : "a negative number"
}

/// As it came, and as the facts of a page that is right but for them.
private func checkPage(_ bytes: [UInt8]) -> String? {
  _ = try? StatusPage.decode(bytes)
  let facts = SupervisorFacts(pid: 1, startedAt: Instant(nanoseconds: 0), argv: [text(bytes)], options: RunOptions())
  var page = StatusPage.page(Status(facts: facts, now: StatusSnapshot(since: Instant(nanoseconds: 0))))
  guard (try? StatusPage.decode(page)) != nil else { return "a page of ebb's own is not understood" }
  for (offset, byte) in bytes.enumerated() { page[offset * 37 % page.count] ^= byte }
  _ = try? StatusPage.decode(page)
  return nil
}

/// One word a line; then the same bytes as the value of every variable. A complaint is one line.
private func checkOptions(_ bytes: [UInt8]) -> String? {
  let line = text(bytes)
  let words = line.parts(separatedBy: UInt8(ascii: "\n"))
  for attempt in [(words, ""), (["a"], words[0])] {
    do throws(UsageError) {
      guard
        case .run(_, let commandAt) = try parse(
          words: attempt.0, variable: { _ in attempt.1.isEmpty ? nil : attempt.1 })
      else { continue }
      if commandAt >= attempt.0.count { return "a command behind the last word" }
    } catch {
      if error.message.isEmpty || error.message.utf8.contains(where: { $0 < 0x20 }) {
        return "complains: \(error.message)"
      }
    }
  }
  return nil
}
