import CPlatform
import Platform
import Supervision

/// `ebb smoke [OPTION...] [--] COMMAND`: returns 0 where every check was passed, 1 where one was not. `words` are those
/// after `ebb`, and the command's begin at `commandAt`. Every signal is blocked.
func smoke(
  _ options: SmokeOptions, words: CStrings, commandAt: Int, environment: CStrings?, _ inherited: Inherited
) throws(Complaint) -> Int32 {
  guard isProcOwn else {
    throw Complaint(
      message: "smoke: /proc is not mounted here, or is another pid namespace's: the supervisor cannot be looked at")
  }
  // Before anything runs: a report that has nowhere to go is no reason to run.
  let file = try options.file.map { path throws(Complaint) in try openReport(path) }

  let startedAt = monotonicTime()
  let supervisor = try SmokeSupervisor(
    options: options.passedOn.map { words[$0] }, health: try otherHealthAddress(options.run.health, inherited),
    command: words + commandAt, environment: environment, inherited)
  let isForPerson = options.format == .text || file != nil
  let run = SmokeRun(
    options, supervisor, startedAt: startedAt, showsProgress: isForPerson && isatty(STDOUT_FILENO) == 1)
  let report = SmokeReport(try run.run())

  if let file {
    do throws(Errno) {
      try writeAll(report.bytes(options.format), to: file)
    } catch {
      throw Complaint(message: "cannot write the report: \(error.text)")
    }
  }
  try printOut(report.bytes(isForPerson ? .text : options.format))
  return report.passed ? 0 : 1
}

/// Another port where a supervisor above this process has the one that was asked for: `docker run IMAGE /ebb smoke`. Nil
/// where none does.
private func otherHealthAddress(
  _ address: HealthAddress?, _ inherited: Inherited
) throws(Complaint) -> HealthAddress? {
  guard let address else { return nil }
  do throws(Errno) {
    close(try HealthServer.listen(on: address))
    return nil
  } catch {
    guard error.code == EADDRINUSE, supervisor(above: inherited.parent, holding: address.port) != nil else {
      return nil
    }
  }
  do throws(Errno) {
    return address.at(port: try freePort())
  } catch {
    throw Complaint(message: "smoke: no port for the supervisor's --health: \(error.text)")
  }
}

private func openReport(_ path: String) throws(Complaint) -> Int32 {
  do throws(Errno) {
    return try createFile(path)
  } catch {
    throw Complaint(message: "cannot write \(path.quoted): \(error.text)")
  }
}
