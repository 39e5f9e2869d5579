import CPlatform
import Platform
import Primitives
import Smoke
import Supervision

/// `ebb smoke [OPTION...] [--] COMMAND`. Returns 0 if every check passed, 1 if one failed. `arguments` are those after
/// `ebb`; the command begins at `commandIndex`. Every signal must be blocked. Throws if the run cannot be made.
func runSmoke(
  _ options: SmokeOptions, arguments: CStrings, commandIndex: Int, environment: CStrings?, _ inherited: InheritedState
) throws(CommandError) -> Int32 {
  guard procMatchesPIDNamespace else {
    throw CommandError(
      message: "smoke: cannot inspect the supervisor: /proc is not mounted, or belongs to another PID namespace")
  }
  // Before anything runs, because a run without a place for its report is useless.
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

/// Returns another port if a supervisor above this process has the requested one (`docker run IMAGE /ebb smoke`),
/// otherwise `nil`. Throws if there is no free port.
private func otherHealthAddress(
  _ address: HealthAddress?, _ inherited: InheritedState
) throws(CommandError) -> HealthAddress? {
  guard let address else { return nil }
  do throws(Errno) {
    close(try HealthServer.listen(on: address))
    return nil
  } catch {
    guard error.code == EADDRINUSE, findSupervisor(above: inherited.parent, holding: address.port) != nil else {
      return nil
    }
  }
  do throws(Errno) {
    return address.at(port: try findFreePort())
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
