import Testing

@testable import Primitives
@testable import Supervision

/// The times of a stop: defaults that fit beside the given values, and the origin of the termination grace period.
@Suite struct StopTimesTests {
  private func times(
    variables: [String: String] = [:], _ words: String...
  ) throws -> StopTimes {
    try runOptions(words, variables: variables).times
  }

  private static let pod = ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]

  @Test func `in a pod the default times fit 30 s`() throws {
    let times = try times(variables: StopTimesTests.pod)
    #expect(times.terminationGracePeriod == .seconds(30))
    #expect(times.delay == .seconds(5))
    #expect(times.drainTimeout == .seconds(10))
    #expect(times.drainQuiet == .seconds(2))
    #expect(times.killMargin == .seconds(1))
    #expect(times.grace == .seconds(1))
  }

  @Test(arguments: ["ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4"])
  func `in ECS the default times are those of a pod`(_ variable: String) throws {
    #expect(try times(variables: [variable: "http://169.254.170.2/"]) == times(variables: StopTimesTests.pod))
  }

  /// The orchestrator may allow 30 s, and a stop that needs them must not be killed at 10 s.
  @Test func `outside an orchestrator the deadline fits 30 s while delay and drain fit 10 s`() throws {
    let times = try times()
    #expect(times.killIn == .seconds(29))
    #expect(times.delay == .seconds(10) / 6)
    #expect(times.drainTimeout == .seconds(10) / 3)
    #expect(times.drainQuiet == .seconds(10) / 6)
  }

  @Test func `in Nomad the default delay and drain fit 5 s`() throws {
    let times = try times(variables: ["NOMAD_ALLOC_ID": "7"])
    #expect(times.killIn == .seconds(29))
    #expect(times.delay == .seconds(5) / 6)
    #expect(times.drainTimeout == .seconds(5) / 3)
    #expect(times.drainQuiet == .seconds(5) / 6)
  }

  @Test func `an empty variable of an orchestrator counts as unset`() throws {
    #expect(try times(variables: ["KUBERNETES_SERVICE_HOST": "", "NOMAD_ALLOC_ID": ""]) == times())
  }

  @Test func `a given termination grace period sets the default times in any orchestrator`() throws {
    #expect(try times(variables: StopTimesTests.pod, "-t", "10s") == times("-t", "10s"))
  }

  @Test func `a termination grace period of 10 s alone fits`() throws {
    let times = try times("-t", "10s")
    #expect(times.delay == .seconds(10) / 6)
    #expect(times.drainTimeout == .seconds(10) / 3)
    #expect(times.killMargin == .seconds(1))
  }

  @Test(arguments: [1, 2, 3, 5, 10, 29, 30, 60, 600])
  func `a termination grace period of any length alone fits`(_ seconds: Int) throws {
    let times = try times("-t", "\(seconds)s")
    let sum = times.delay + times.drainTimeout + times.grace + times.killMargin
    #expect(sum <= .seconds(seconds))
  }

  @Test(arguments: [(20, 4500), (25, 2000), (26, 1500), (27, 1000), (28, 0)])
  func `a long delay leaves the default drain at most half of the remaining time`(_ delay: Int, drain: Int) throws {
    let times = try times(variables: StopTimesTests.pod.merging(["EBB_DELAY": "\(delay)s"]) { $1 })
    #expect(times.delay == .seconds(delay))
    #expect(times.drainTimeout == .milliseconds(drain))
    #expect(times.drainQuiet == min(.seconds(2), .milliseconds(drain) / 2))
  }

  @Test func `a default delay shrinks to what the given values leave`() throws {
    #expect(try times("-t", "30s", "--grace", "25s").delay == .seconds(2))
    #expect(try times("-t", "30s", "--drain-timeout", "28s").delay == .zero)
    #expect(try times("-t", "30s", "--grace", "29s").delay == .zero)
    #expect(try times("-t", "30s", "--grace", "29s", "--drain", "time").delay == .zero)
    #expect(try times("-t", "30s", "--drain", "time", "--drain-timeout", "40s").delay == .seconds(5))
  }

  @Test func `an empty variable counts as unset, for every option`() throws {
    for option in RunOptions.table {
      let empty = [option.spec.variable: ""]
      #expect("\(try runOptions([], variables: empty))" == "\(try runOptions([]))", "\(option.spec.variable)")
      #expect(usageError(["smoke", "app"], variables: empty) == nil)
    }
  }

  // MARK: The warning

  private func warning(_ variables: [String: String]) throws -> String? {
    var lifecycle = Lifecycle(try runOptions([], variables: variables))
    for action in lifecycle.handle(.spawned(pid: 7, hasTerminal: false), at: Instant(nanoseconds: 0)) {
      if case .log(let record) = action, record.event.utf8.elementsEqual("short-grace".utf8) { return record.message }
    }
    return nil
  }

  @Test func `given times that leave the command little time are warned of at the start`() throws {
    let pod = StopTimesTests.pod
    #expect(
      try warning(pod.merging(["EBB_DELAY": "20s"]) { $1 })
        == "the given times (delay 20s) leave the command only 4.5s from the stop signal's forwarding to SIGKILL: "
        + "shorten them, or raise --termination-grace-period 30s")
    #expect(try warning(pod.merging(["EBB_DELAY": "19s"]) { $1 }) == nil)
    #expect(
      try warning(["EBB_TERMINATION_GRACE_PERIOD": "10s", "EBB_DELAY": "3s", "EBB_KILL_MARGIN": "1s"])
        == "the given times (delay 3s, kill-margin 1s) leave the command only 3s from the stop signal's forwarding to "
        + "SIGKILL: shorten them, or raise --termination-grace-period 10s")
  }

  @Test func `neither default times nor a given grace are warned of at the start`() throws {
    for period in ["1s", "5s", "10s", "30s"] {
      #expect(try warning(["EBB_TERMINATION_GRACE_PERIOD": period]) == nil)
    }
    #expect(try warning([:]) == nil)
    #expect(try warning(["EBB_GRACE": "1s", "EBB_DELAY": "20s"]) == nil)
  }
}
