import Foundation
import Testing

@testable import Primitives
@testable import Supervision

/// `ebb plan` prints the timeline of a stop and where each value comes from.
@Suite struct PlanTests {
  private func plan(_ words: String..., variables: [String: String] = [:]) throws -> PlanReport {
    let options = try #require(try invocation(["plan"] + words, variables: variables).plan)
    return PlanReport(options.run, unknownVariables: [])
  }

  private func json(_ plan: PlanReport) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(plan.json)) as? [String: Any])
  }

  private static let pod = ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]

  @Test func `the plan in a pod shows the default times and where each comes from`() throws {
    #expect(
      try plan(variables: PlanTests.pod).text == """
        [============~~~~~~~~~~~~~~~~~~~~~~~~---------------------------------   ]
         = delay   ~ drain   - the command stops, then SIGKILL

         AT  WHAT                                            SET BY
         0s  the stop signal arrives; not ready from now on  stop-signals TERM and a known server's own (default)
         5s  the delay is over, the drain begins             delay 5s (default)
        15s  the command has the signal at the latest        drain-timeout 10s (default)
        29s  SIGKILL to all that is left                     kill-margin 1s (default)
        30s  SIGKILL by the orchestrator                     termination-grace-period 30s (kubernetes)

        The drain ends early without traffic and a request in flight: drain-quiet 2s (default).

        Where the command never listened there is no delay and no drain.

        """)
  }

  @Test func `the plan names the flag or variable behind a value, and says which default was fitted`() throws {
    let fields = try json(plan("--grace", "2s", variables: ["EBB_DELAY": "20s"].merging(PlanTests.pod) { $1 }))
    #expect(fields["delay_ms"] as? Int == 20_000)
    #expect(fields["delay_from"] as? String == "variable")
    #expect(fields["grace_ms"] as? Int == 2_000)
    #expect(fields["grace_from"] as? String == "flag")
    #expect(fields["drain_timeout_ms"] as? Int == 3_500)
    #expect(fields["drain_timeout_from"] as? String == "fitted")
    #expect(fields["kill_margin_from"] as? String == "default")
    #expect(fields["grace_period_from"] as? String == "kubernetes")
  }

  @Test func `the plan outside a known orchestrator says whose time its defaults fit`() throws {
    let plan = try plan()
    #expect(plan.text.contains("delay and drain fit the 10s of Docker and Podman"))
    #expect(plan.text.contains("delay 1.7s (fitted)"))
    #expect(plan.text.contains("\n  5s  the command has the signal at the latest"))
    #expect(try json(plan)["orchestrator"] as? String == "unknown")
  }

  @Test func `the plan shows SIGKILL at the end of a grace that ends before the deadline`() throws {
    let plan = try plan("-t", "20s", "--delay", "1s", "--drain", "time", "--grace", "3s")
    #expect(plan.text.contains("\n 4s  SIGKILL to all that is left                     grace 3s (flag)\n"))
    #expect(try moments(plan) == ["delaying 0", "stopping 1000", "killing 4000", "orchestrator-kill 20000"])
  }

  @Test func `the plan shows when held readiness ends and the pre-stop hook starts`() throws {
    let plan = try plan("-t", "30s", "--ready-hold", "7s", "--pre-stop", "/bin/flush")
    #expect(plan.text.contains("\n 0s  the stop signal arrives; the pre-stop hook starts  "))
    #expect(
      try moments(plan) == [
        "delaying 0", "draining 5000", "not-ready 7000", "stopping 15000", "killing 29000", "orchestrator-kill 30000",
      ])
  }

  @Test(arguments: ["1ms", "7ms", "1s", "10s", "17m", "168h"], ["time", "idle"])
  func `the plan's bar has 72 columns and at least one per phase, for periods from 1 ms to 168 h`(
    _ period: String, _ mode: String
  ) throws {
    let bar = try plan("-t", period, "--drain", mode).text.prefix { $0 != "\n" }
    #expect(bar.utf8.count == 74)
    for letter in mode == "time" ? "=- " : "=~- " { #expect(bar.contains(letter) || period.hasSuffix("ms")) }
  }

  @Test func `the plan warns of little time for the command and of unknown variables`() throws {
    let options = try #require(try invocation(["plan", "--delay", "28s"]).plan)
    let plan = PlanReport(options.run, unknownVariables: ["one", "two"])
    let warnings = try #require(try json(plan)["warnings"] as? [String])
    #expect(warnings.count == 3)
    #expect(warnings.last?.contains("(delay 28s) leave the command only 1s") == true)
    for warning in warnings { #expect(plan.text.contains("\nwarning: \(warning)\n")) }
  }

  @Test(arguments: [
    ([], "fit"), (["--delay", "12s"], "do not fit"), (["--delay", "8s"], "do not fit"),
    (["--delay", "9s", "--drain", "time"], "fit"),
  ])
  func `without a grace period the plan says whether delay and drain fit into 10 s`(
    options: [String], verdict: String
  ) throws {
    let plan = PlanReport(try #require(try invocation(["plan"] + options).plan).run, unknownVariables: [])
    #expect(plan.text.contains("delay and drain \(verdict) the 10s of Docker and Podman"), "\(plan.text)")
  }

  @Test func `ebb plan refuses times that do not fit with the arithmetic of a run`() {
    let message = usageError(["plan", "--delay", "40s"])
    #expect(message?.hasPrefix("plan: delay 40s, and 2s for the end, do not fit into") == true)
  }

  @Test func `ebb plan refuses a command after its options`() {
    #expect(usageError(["plan", "--", "nginx"])?.hasPrefix("plan: \"nginx\" is not an option") == true)
  }

  @Test func `ebb install takes one absolute path, otherwise it is a program called install`() throws {
    #expect(try invocation(["install", "/shared/ebb"]).installPath == "/shared/ebb")
    for words in [["install"], ["install", "ebb"], ["install", "/a", "/b"]] {
      #expect(try invocation(words).run?.commandIndex == 0, "\(words)")
    }
  }

  @Test(arguments: ["-h", "--help"])
  func `ebb install --help prints its help and runs no program called install`(word: String) throws {
    let text = try #require(try invocation(["install", word]).help)
    #expect(text.contains("usage: ebb install /PATH"))
  }

  private func moments(_ plan: PlanReport) throws -> [String] {
    let moments = try #require(try json(plan)["moments"] as? [[String: Any]])
    return moments.map { "\($0["event"] ?? "") \($0["at_ms"] ?? "")" }
  }
}
