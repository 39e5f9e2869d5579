import CPlatform
import Platform
import Primitives
import Smoke
import Supervision

/// `ebb smoke [OPTION...] [--] COMMAND`: returns 0 where every check was passed, 1 where one was not. `words` are those
/// after `ebb`, and the command's begin at `commandIndex`. Every signal is blocked.
func runSmoke(
  _ options: SmokeOptions, arguments: CStrings, commandIndex: Int, environment: CStrings?, _ inherited: InheritedState
) throws(CommandError) -> Int32 {
  guard procMatchesPIDNamespace else {
    throw CommandError(
      message: "smoke: cannot inspect the supervisor: /proc is not mounted, or belongs to another PID namespace")
  }
  // Before anything runs: a report that has nowhere to go is no reason to run.
  let file = try options.file.map { path throws(CommandError) in try openReport(path) }

  let startedAt = monotonicTime()
  let supervisor = try SmokeSupervisor(
    options: options.passedOn.map { arguments[$0] }, health: try otherHealthAddress(options.run.health, inherited),
    command: arguments + commandIndex, environment: environment, inherited)
  let isForPerson = options.format == .text || file != nil
  let run = SmokeRun(
    options, supervisor, startedAt: startedAt, showsProgress: isForPerson && isatty(STDOUT_FILENO) == 1)
  let report = SmokeReport(try run.run())

  if let file {
    do throws(Errno) {
      try writeAll(report.bytes(options.format), to: file)
    } catch {
      throw CommandError(message: "cannot write the report: \(error.description)")
    }
  }
  try printOut(report.bytes(isForPerson ? .text : options.format))
  return report.passed ? 0 : 1
}

/// Another port where a supervisor above this process has the one that was asked for: `docker run IMAGE /ebb smoke`. Nil
/// where none does.
private func otherHealthAddress(
  _ address: HealthAddress?, _ inherited: InheritedState
) throws(CommandError) -> HealthAddress? {
  guard let address else { return nil }
  do throws(Errno) {
    close(try HealthServer.listen(on: address))
    return nil
  } catch {
    guard error.code == EADDRINUSE, supervisorAbove(above: inherited.parent, holding: address.port) != nil else {
      return nil
    }
  }
  do throws(Errno) {
    return address.at(port: try freePort())
  } catch {
    throw CommandError(message: "smoke: no port for the supervisor's --health: \(error.description)")
  }
}

private func openReport(_ path: String) throws(CommandError) -> Int32 {
  do throws(Errno) {
    return try createFile(path)
  } catch {
    throw CommandError(message: "cannot write \(path.quoted): \(error.description)")
  }
}
