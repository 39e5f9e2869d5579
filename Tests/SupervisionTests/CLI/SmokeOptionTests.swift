import Testing

@testable import HTTP
@testable import Primitives
@testable import Supervision

/// The options of `ebb smoke`.
@Suite struct SmokeOptionTests {
  private func read(_ words: String..., variables: [String: String] = [:]) throws -> (SmokeOptions, Int) {
    try #require(try invocation(["smoke"] + words, variables: variables).smoke)
  }

  @Test func `ebb smoke without options loads nothing and expects the stop within 30 s`() throws {
    let (options, at) = try read("app", "--http", "x")
    #expect(at == 1)
    #expect(options.targets.isEmpty)
    #expect(options.slow == nil)
    #expect(options.passedOn == [])
    #expect(options.rate == 20)
    #expect(options.timeout == .seconds(5))
    #expect(options.duration == .seconds(3))
    #expect(options.format == .text)
    #expect(options.file == nil)
    #expect(options.expectedExit == nil)
    #expect(options.readyTimeout == .seconds(30))
    #expect(options.longestStop == .seconds(30))
    #expect(options.loadAfterStop == options.run.times.delay - .milliseconds(100))
  }

  @Test func `ebb smoke takes each option of its own`() throws {
    let (options, at) = try read(
      "--http=http://localhost:1/", "--tcp", "2", "--slow", "http://[::1]:3/s", "--rate", "1000", "--timeout", "1s",
      "--duration=2s", "--lag", "4s", "--expect-exit", "3", "--output", "junit:a:b.xml", "--", "app")
    #expect(at == 18)
    #expect(options.targets.count == 2)
    #expect(options.slow?.path == "/s")
    #expect(options.passedOn == [])
    #expect(options.rate == 1000)
    #expect(options.timeout == .seconds(1))
    #expect(options.duration == .seconds(2))
    #expect(options.lag == .seconds(4))
    #expect(options.loadAfterStop == .seconds(4))
    #expect(options.expectedExit == 3)
    #expect(options.format == .junit)
    #expect(options.file == "a:b.xml")
  }

  @Test func `ebb smoke passes the supervisor's options on as they were written`() throws {
    let (options, at) = try read(
      "-gw", "--rate", "5", "-gt", "9", "--delay=1s", "--duration", "1s", "-r", "TERM:QUIT", "-vvq",
      "--startup-timeout",
      "7s", "--drain-timeout=1s", "--", "app", "-g")
    #expect(options.passedOn == [1, 4, 5, 6, 9, 10, 11, 12, 13, 14])
    #expect(at == 16)
    #expect(options.run.targetsProcessGroup)
    #expect(options.run.logsReapedOrphans)
    #expect(options.run.terminationGracePeriod == .seconds(9))
    #expect(options.run.delay == .seconds(1))
    #expect(options.run.verbosity == 1)
    #expect(options.readyTimeout == .seconds(7))
    #expect(options.run.rewrites.apply(to: .sigterm) == .sigquit)
    #expect(options.rate == 5)
  }

  @Test func `ebb smoke reads the supervisor's variables and has none of its own`() throws {
    let (options, _) = try read(
      "--delay", "2s", "app", variables: ["EBB_DELAY": "9s", "EBB_DRAIN": "time", "EBB_RATE": "x", "EBB_HTTP": "y"])
    #expect(options.run.delay == .seconds(2))
    #expect(options.run.drain == .time)
    #expect(options.passedOn == [1, 2])
  }

  @Test func `ebb smoke takes each option of a run, and no name has two meanings`() throws {
    let run = RunOptions.table.map { $0.spec.name }
    let own = SmokeOptions.table.map { $0.spec.name }
    #expect(Set(run + own).count == run.count + own.count)
    let values = [
      "grace": "1s", "termination-grace-period": "20s", "drain": "idle", "ports": "80",
      "stop-signals": "INT", "rewrite": "TERM:0", "log": "json", "parent-death-signal": "HUP", "remap-exit": "3",
      "ready-tcp": "1", "ready-http": "http://localhost/",
      "health": "1", "pre-stop": "a", "termination-log": "/x",
    ]
    for shape in RunOptions.table.map({ $0.spec }) {
      let given = shape.value == nil ? ["--\(shape.name)"] : ["--\(shape.name)", values[shape.name] ?? "3s"]
      let (options, at) = try #require(try invocation(["smoke"] + given + ["app"]).smoke)
      #expect(options.passedOn == Array(1...given.count), "\(shape.name)")
      #expect(at == given.count + 1, "\(shape.name)")
    }
  }
}
