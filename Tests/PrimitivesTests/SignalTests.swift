import Testing

@testable import Primitives
@testable import Supervision

@Suite struct SignalTests {
  @Test(arguments: [
    ("TERM", 15), ("SIGTERM", 15), ("sigterm", 15), ("15", 15), ("1", 1), ("64", 64), ("RTMIN", 34), ("RTMIN+3", 37),
    ("SIGRTMAX", 64),
    ("RTMAX-1", 63), ("RTMIN+30", 64), ("IOT", 6), ("ABRT", 6), ("POLL", 29), ("CLD", 17), ("SYS", 31),
  ])
  func `a signal is parsed from its name in any case, its number, or a real-time offset`(
    _ text: String, _ number: Int32
  ) { #expect(Signal(text: text)?.number == number) }

  @Test(arguments: [
    "", "0", "65", "-1", "SIG", "TERMM", "RTMIN+", "RTMIN+31", "RTMAX-31", "RTMIN-1", "SIGSIGTERM", "T ERM", "RTMINX",
  ])
  func `a text that is not a signal is refused`(_ text: String) { #expect(Signal(text: text) == nil) }

  @Test func `the name of each signal is parsed to that signal`() {
    for number in 1...64 { #expect(Signal(number: number).flatMap { Signal(text: $0.name) }?.number == Int32(number)) }
  }

  @Test func `the signals that are never forwarded are faults, CHLD, KILL, STOP, TTIN, TTOU, 32 and 33`() {
    let names = SignalSet.neverForwarded.signals.map(\.name)
    #expect(names == ["ILL", "TRAP", "BUS", "FPE", "KILL", "SEGV", "CHLD", "STOP", "TTIN", "TTOU", "SYS", "32", "33"])
    #expect(SignalSet.all.subtracting(.neverForwarded).signals.count == 64 - 13)
  }

  @Test func `the last rewrite of a signal wins, and a rewrite to 0 drops it`() throws {
    let term = Signal.sigterm
    var rewrites = SignalRewrites()
    #expect(rewrites.apply(to: term) == term)
    rewrites.add(from: term, to: .sigquit)
    #expect(rewrites.apply(to: term) == .sigquit)
    #expect(rewrites.apply(to: .sigquit) == .sigquit)
    rewrites.add(from: term, to: nil)
    #expect(rewrites.apply(to: term) == nil)
  }
}
