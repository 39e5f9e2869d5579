import Foundation
import TestSupport
import Testing

/// SIGKILL for many processes, and a late SIGKILL. Thousands of processes would slow down scans of /proc in other
/// tests, so they are a row of the fault table. `ChildTests` tests that the list of children is read to its end.
@Suite(.endsItsProcesses)
struct CrowdTests {
  @Test(arguments: PIDRole.possible)
  func `SIGKILL reaches all 300 children before ebb exits`(place: PIDRole) throws {
    let options = ["--delay", "0", "--grace", "500ms", "--kill-margin", "40s", "-t", "60s"]
    let run = try Run.ready(options, testApp("crowd", "300"), in: place)
    try run.stop(.code(137))
    // They share its standard output, so the end of file is the end of the last one.
    try run.readToEnd()
    #expect(!run.err.text.contains("event=unkillable"), "\(run)")
  }

  @Test(arguments: PIDRole.possible)
  func `ebb that was suspended across the deadline still kills the command and reports its exit`(place: PIDRole) throws
  {
    let options = ["--delay", "0", "-t", "1500ms", "--kill-margin", "500ms"]
    for _ in 0..<5 {
      let run = try Run.ready(options, testApp("signals", "--ignore-term"), in: place)
      let supervisor = try run.supervisor()
      let sent = try run.deliver(.sigterm)
      kill(supervisor, SIGSTOP)
      try run.wait(for: "the deadline and the orchestrator's") { Clock.now() - sent > .milliseconds(1600) }
      kill(supervisor, SIGCONT)
      try run.expect(.code(137))
      #expect(!run.err.text.contains("event=unkillable"), "\(run)")
      #expect(run.err.text.contains("event=exited"), "\(run)")
    }
  }
}
