import Foundation
import LifecycleModel
import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// The text, the line and the JSON that `ebb status` prints.
@Suite struct StatusTextTests {
  let now = Instant.at(81_200)

  @Test func `ebb status shows a stop, its deadlines and what SIGTERM does to each process`() {
    var status = Status.example
    status.info = SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["sh", "-c", "app & wait"], options: RunOptions())
    let processes = [
      process(7, "sh", "S", rss: 1_500_000, age: 81),
      process(9, parent: 7, depth: 1, "app", "S", rss: 52_428_800, age: 80, caught: [.sigterm]),
    ]
    let expected = """
      ebb 0.1.0, pid 1: delaying for 1.2s, not ready
      command   pid 7: sh -c "app & wait"
      uptime    1m21s
      signals   3 received, 2 forwarded
      orphans   4 reaped
      stop      SIGTERM came 1.2s ago
                SIGTERM is forwarded in 3.8s at the latest
                SIGKILL in 28s

      PID  STATE       MEMORY    AGE  SIGTERM        NAME
        7  sleeping   1.4 MiB  1m21s  default: dies  sh
        9  sleeping  50.0 MiB  1m20s  caught           app

      pid 7 `sh` dies of SIGTERM immediately and does not wait for its children, whose exit code is lost: use exec

      """
    #expect(status.text(pid: 1, processes: processes, at: now) == expected)
  }

  @Test func `ebb status --json shows every key of a stop`() throws {
    let processes = [
      process(7, "app", "S", rss: 52_428_800, age: 81, caught: [.sigterm]), process(12, "gone", "Z", age: 3),
    ]
    let text = String(decoding: Status.example.json(pid: 1, processes: processes, at: now), as: UTF8.self)
    let expected =
      #"{"schema":1,"version":"0.1.0","pid":1,"phase":"delaying","ready":false,"uptime_ms":81200,"#
      + #""command":{"pid":7,"argv":["app","--port","8080"]},"#
      + #""stop":{"signal":"TERM","since_ms":1200,"forward_in_ms":3800,"kill_in_ms":27800,"forward_at_latest_in_ms":3800,"#
      + #""sends":"TERM","drain_ended_by":null,"in_flight":{"at_stop":null,"at_forward":null},"connections_after_stop":null,"#
      + #""last_connection_ms":null,"last_request_ms":null,"advice":null},"reaped":4,"#
      + #""plan":{"stop_signals":["TERM"],"stop_signals_from":"default","recognised":null,"delay_ms":1666,"#
      + #""delay_from":"default","grace_period_ms":30000,"grace_period_from":"default"},"out_of_reach":false,"connections":null,"#
      + #""processes":[{"pid":7,"ppid":1,"name":"app","state":"S","rss_bytes":52428800,"age_ms":81000,"term":"caught"},"#
      + #"{"pid":12,"ppid":1,"name":"gone","state":"Z","rss_bytes":null,"age_ms":3000,"term":null}]}"# + "\n"
    #expect(text == expected)
  }

  @Test func `ebb status --json shows null for a stop that has not begun and a command that exited`() throws {
    var status = Status.example
    (status.snapshot.phase, status.snapshot.stop, status.snapshot.killAt, status.snapshot.isReady) = (
      .serving, nil, nil, true
    )
    status.snapshot.command = .exited(code: 3)
    let text = String(decoding: status.json(pid: 1, processes: [], at: now), as: UTF8.self)
    #expect(text.contains(#""ready":true"#))
    #expect(text.contains(#""command":{"pid":null"#))
    #expect(text.contains(#""stop":null"#))
    #expect(text.contains(#""processes":[]"#))
  }

  @Test func `ebb status --json shows no forwarding once the command has exited`() {
    var status = Status.example
    (status.snapshot.phase, status.snapshot.command) = (.stopping, .exited(code: 3))
    let text = String(decoding: status.json(pid: 1, processes: [], at: now), as: UTF8.self)
    #expect(text.contains(#""forward_in_ms":null,"kill_in_ms":27800,"forward_at_latest_in_ms":null"#))
  }

  @Test func `ebb status --json escapes control characters in names`() throws {
    let hostile = "a\"b\\\u{1b}[2J\n\u{202e}\u{9b}\u{7f}"
    var status = Status.example
    status.info.argv = [hostile, ""]
    let bytes = status.json(pid: 1, processes: [process(7, hostile, "S")], at: now)
    let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    #expect(((object?["command"] as? [String: Any])?["argv"] as? [String])?.first == hostile)
    #expect(bytes.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
  }

  @Test func `ebb status prints no control or bidirectional character of a name`() {
    let hostile = "\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{202e}\u{7f}é"
    var status = Status.example
    status.info.argv = [hostile]
    let text = status.text(pid: 1, processes: [process(7, hostile, "\u{1b}")], at: now)
    for scalar in text.unicodeScalars {
      #expect(
        scalar == "\n" || (scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value) && scalar.value != 0x202E))
    }
    #expect(text.contains("é"))
    #expect("\u{1b}[0m".printable == "\\u{1b}[0m")
  }

  @Test func `ebb status --watch prints the state in one line`() {
    #expect(
      Status.example.line(at: now)
        == "delaying, not ready; SIGTERM is forwarded in 3.8s at the latest; SIGKILL in 28s; 3 received, 2 forwarded, 4 reaped"
    )
    var status = Status.example
    (status.snapshot.phase, status.snapshot.stop, status.snapshot.killAt) = (.serving, nil, nil)
    status.snapshot.isReady = true
    #expect(status.line(at: now) == "serving, ready; 3 received, 2 forwarded, 4 reaped")
  }

  @Test(arguments: [
    (-5, "0.0s"), (0, "0.0s"), (49, "0.0s"), (50, "0.1s"), (3_849, "3.8s"), (9_949, "9.9s"), (9_950, "10s"),
    (59_499, "59s"),
    (59_500, "1m00s"), (81_234, "1m21s"), (3_599_500, "1h00m"), (7_500_000, "2h05m"), (86_400_000, "1d0h"),
    (273_600_000, "3d4h"),
  ])
  func `a time is shown with two significant units, rounded`(_ milliseconds: Int, _ text: String) {
    #expect(TimeAmount.milliseconds(milliseconds).approximate == text)
  }
}

/// The diagnosis says what a stop will do, not what looks unusual.
@Suite struct DiagnosisTests {
  @Test func `a command with a handler is not diagnosed, nor are its workers`() {
    let processes = [process(7, "app", caught: [.sigterm]), process(8, parent: 7, depth: 1, "worker")]
    #expect(sentences(processes) == [])
  }

  @Test func `a command without a handler is diagnosed as losing requests`() {
    #expect(
      sentences([process(7, "node")])
        == ["pid 7 `node` has no handler for SIGTERM and dies immediately; requests in flight are lost"])
  }

  @Test func `a command that ignores or blocks the stop signal is diagnosed as killed at the deadline`() {
    #expect(
      sentences([process(7, "app", ignored: [.sigterm])]) == [
        "pid 7 `app` ignores SIGTERM and will be killed at the deadline"
      ])
    #expect(
      sentences([process(7, "app", blocked: [.sigterm], caught: [.sigterm])]) == [
        "pid 7 `app` blocks SIGTERM: unless it waits for signals itself (sigwait, signalfd) it will be killed at the deadline"
      ])
  }

  @Test func `a shell with children and no trap is diagnosed as not waiting for them`() {
    let sleeping = process(8, parent: 7, depth: 1, "node")
    let advice = "dies of SIGTERM immediately and does not wait for its children, whose exit code is lost: use exec"
    #expect(
      sentences([process(7, "sh"), sleeping]) == [
        "pid 7 `sh` \(advice)",
        "pid 8 `node` has no handler for SIGTERM and dies immediately; requests in flight are lost",
      ])
    #expect(sentences([process(7, "sh", caught: [.sigterm]), sleeping]) == [])  // its trap may forward
    #expect(sentences([process(7, "bash")]) == [])
    #expect(
      sentences([process(7, "dash", group: 7), process(8, parent: 7, depth: 1, "app", group: 7, caught: [.sigterm])]) {
        $0.targetsProcessGroup = true
      } == ["pid 7 `dash` \(advice)"])
  }

  @Test func `with --group each member of the command's group is diagnosed`() {
    let processes = [
      process(7, "app", group: 7, caught: [.sigterm]), process(8, parent: 7, depth: 1, "worker", group: 7),
      process(9, parent: 7, depth: 1, "daemon", group: 9),
    ]
    #expect(
      sentences(processes) { $0.targetsProcessGroup = true }
        == ["pid 8 `worker` has no handler for SIGTERM and dies immediately; requests in flight are lost"])
  }

  @Test func `the diagnosis is for the stop signal as rewritten`() {
    let processes = [process(7, "nginx", caught: [.sigquit])]
    #expect(sentences(processes) { $0.rewrites.add(from: .sigterm, to: .sigquit) } == [])
    #expect(
      sentences(processes) { $0.rewrites.add(from: .sigterm, to: Signal(number: 28)) }
        == ["pid 7 `nginx` ignores SIGWINCH and will be killed at the deadline"])
    #expect(
      sentences(processes) { $0.rewrites.add(from: .sigterm, to: nil) }
        == ["--rewrite drops the stop signal; only SIGKILL at the deadline will end the command"])
  }

  /// A process that catches the signal is trusted to stop its own descendants.
  @Test func `leftovers are diagnosed by the rewritten signal, and only those that ebb signals`() {
    let rewrite: (inout RunOptions) -> Void = { $0.rewrites.add(from: .sigterm, to: .sigquit) }
    let leftover = process(9, parent: 7, depth: 1, "daemon", group: 9, ignored: [.sigquit], caught: [.sigterm])
    let judged = "pid 9 `daemon` ignores SIGQUIT and will be killed at the deadline"
    #expect(sentences([process(7, "app", group: 7), leftover], rewrite).last == judged)
    let orphan = process(9, parent: 1, "daemon", group: 9, ignored: [.sigquit], caught: [.sigterm])
    let worker = process(10, parent: 9, depth: 1, "worker", ignored: [.sigquit])
    #expect(sentences([orphan, worker], command: .exited(code: 0), rewrite) == [judged])
    let dropped = sentences([orphan], command: .exited(code: 0)) { $0.rewrites.add(from: .sigterm, to: nil) }
    #expect(dropped == ["--rewrite drops the stop signal; only SIGKILL at the deadline will end the command"])
    let member = process(8, parent: 7, depth: 1, "worker", group: 7, caught: [.sigterm])
    #expect(
      sentences([process(7, "app", group: 7, caught: [.sigquit]), member]) {
        rewrite(&$0)
        $0.targetsProcessGroup = true
      } == ["pid 8 `worker` has no handler for SIGQUIT and dies immediately; requests in flight are lost"])
  }

  @Test func `leftovers are diagnosed once the command has exited`() {
    #expect(
      sentences([process(9, "app", ignored: [.sigterm])], command: .exited(code: 0))
        == ["pid 9 `app` ignores SIGTERM and will be killed at the deadline"])
  }

  @Test func `more than eight diagnoses are summarised`() {
    let processes = [process(7, "app")] + (8..<108).map { process($0, parent: 7, depth: 1, "app") }
    let all = sentences(processes)
    #expect(all.count == 9)
    #expect(all.last == "and the same for 93 more")
    #expect(sentences(Array(processes.prefix(8))).last?.hasPrefix("pid 14 ") == true)
    #expect(sentences(Array(processes.prefix(9))).last == "and the same for 1 more")
  }

  @Test func `the command is found by its own pid from another pid namespace`() {
    let command = process(4711, parent: 4700, "app", ownPid: 7)
    #expect(Status.example.command(in: [command], supervisor: 4700)?.entry.pid == 4711)
    #expect(Status.example.command(in: [command], supervisor: 1) == nil)
    // In a pid namespace below the container's, another process is pid 7 too.
    let inner = process(4800, parent: 4711, depth: 1, "app", ownPid: 7)
    #expect(Status.example.command(in: [inner, command], supervisor: 4700)?.entry.pid == 4711)
  }

  private func sentences(
    _ processes: [ProcessDetails], command: StatusSnapshot.Command = .running(pid: 7),
    _ change: (inout RunOptions) -> Void = { _ in }
  ) -> [String] {
    var options = RunOptions()
    change(&options)
    var now = StatusSnapshot(since: .at(0))
    (now.phase, now.command) = (.serving, command)
    let info = SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["app"], options: options)
    return Status(info: info, snapshot: now).diagnosis(of: processes, supervisor: 1)
  }
}

/// A process as /proc shows it; `rss` in bytes, `age` in seconds.
func process(
  _ pid: Int, parent: Int = 1, depth: Int = 0, _ name: String, _ state: String = "S", group: Int = 1, rss: Int? = nil,
  age: Int = 0,
  ownPid: Int? = nil, blocked: [Signal] = [], ignored: [Signal] = [], caught: [Signal] = []
) -> ProcessDetails {
  let stat = "\(pid) (\(name)) \(state) \(parent) \(group) " + String(repeating: "0 ", count: 16) + "100 0 0"
  var status = "Name:\t\(name.debugDescription)\nNSpid:\t\(pid)\(ownPid.map { "\t\($0)" } ?? "")\n"
  if let rss { status += "VmRSS:\t    \(rss / 1024) kB\n" }
  func mask(_ signals: [Signal]) -> String { String(SignalSet(signals).mask, radix: 16) }
  status += "SigBlk:\t\(mask(blocked))\nSigIgn:\t\(mask(ignored))\nSigCgt:\t\(mask(caught))\n"
  // It started one second after boot.
  guard
    let details = ProcessDetails(
      stat: Array(stat.utf8), status: Array(status.utf8), depth: depth, sinceBoot: .seconds(age + 1))
  else { preconditionFailure("no process: \(stat)") }
  return details
}

@Suite struct ProcessDetailsTests {
  @Test func `hostile bytes of /proc/PID are absent values and no trap`() {
    let stat = Array("7 (a) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1".utf8)
    #expect(ProcessDetails(stat: stat, status: [], depth: 0, sinceBoot: .seconds(5))?.residentBytes == nil)
    #expect(ProcessDetails(stat: stat, status: [], depth: 0, sinceBoot: .seconds(5))?.effect(of: .sigterm) == nil)
    var random = SplitMix64(state: 3)
    let status = Array("Name:\ta\nNSpid:\t7\nVmRSS:\t 1 kB\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t4000\n".utf8)
    for _ in 0..<20_000 {
      var (one, other) = (stat, status)
      for _ in 0..<3 {
        one[Int.random(in: 0..<one.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        other[Int.random(in: 0..<other.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let length = Int.random(in: 0...one.count, using: &random)
      _ = ProcessDetails(stat: Array(one[..<length]), status: other, depth: 0, sinceBoot: .seconds(5))
      _ = ProcessDetails(stat: one, status: other, depth: 0, sinceBoot: .zero)?.effect(of: .sigterm)
    }
    for number in ["18446744073709551615", "9223372036854775807", "99999999999999999999", "-1"] {
      let odd = Array("7 (a) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 \(number) 1 1".utf8)
      _ = ProcessDetails(
        stat: odd, status: Array("VmRSS:\t\(number) kB\nNSpid:\t\(number)".utf8), depth: 0, sinceBoot: .zero)
    }
  }

  @Test func `a signal that a thread waits for counts as caught`() {
    func thread(_ blocked: [Signal], _ place: String) -> ProcessDetails.Thread? {
      let status = "SigBlk:\t\(String(SignalSet(blocked).mask, radix: 16))\n"
      return ProcessDetails.Thread(status: Array(status.utf8), place: Array(place.utf8))
    }
    func effect(_ threads: ProcessDetails.Thread?..., blocked: [Signal] = []) -> ProcessDetails.Effect? {
      var details = process(7, "app", blocked: blocked)
      details.signals?.add(threads.compactMap { $0 })
      return details.effect(of: .sigterm)
    }
    let waiting = "do_sigtimedwait.isra.0"
    #expect(effect(thread([], waiting)) == .caught)  // tini
    #expect(effect(thread([.sigterm], "futex_wait"), thread([], waiting), blocked: [.sigterm]) == .caught)
    #expect(effect(thread([], "futex_wait"), thread([], waiting)) == .defaultAction)
    #expect(effect(thread([.sigterm], waiting), thread([.sigterm], "0"), blocked: [.sigterm]) == .blocked)
    #expect(effect(thread([.sigterm], "0"), thread([], "0"), blocked: [.sigterm]) == .defaultAction)
    #expect(effect() == .defaultAction)  // no thread could be read
    #expect(effect(blocked: [.sigterm]) == .blocked)
  }

  @Test func `a process name that looks like stat fields is only a name`() throws {
    let stat = Array("7 (x) Z 99 (y) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1".utf8)
    let details = try #require(ProcessDetails(stat: stat, status: [], depth: 0, sinceBoot: .seconds(5)))
    #expect(details.name == "x) Z 99 (y")
    #expect(details.state == "S")
    #expect(details.entry.parent == 1)
  }

  @Test func `the process tree lists each process before its own descendants, siblings by age`() {
    func entry(_ pid: Int32, _ parent: Int32, _ start: UInt64 = 0) -> ProcPIDStat {
      ProcPIDStat(pid: pid, parent: parent, startTime: start)
    }
    let tree = familyTree(
      of: 1, among: [entry(9, 7), entry(7, 1, 5), entry(5, 1, 6), entry(8, 7), entry(10, 9), entry(20, 19)])
    #expect(tree.map { "\($0.process.pid)@\($0.depth)" } == ["7@0", "8@1", "9@1", "10@2", "5@0"])
    #expect(
      descendants(of: 7, among: [entry(9, 7), entry(8, 7), entry(10, 9), entry(20, 19)]).map(\.pid) == [8, 9, 10])
    // A table that changed while it was read may hold a circle.
    #expect(familyTree(of: 1, among: [entry(1, 1), entry(2, 3), entry(3, 2)]).count <= 1)
    let deep = familyTree(of: 1, among: (2..<20_000).map { entry($0, $0 - 1) })
    #expect(deep.last?.depth == 19_997)
  }
}
