import CPlatform
import Platform
import Primitives
import Supervision

/// The supervisor that `ebb status`, `stop` and `probe` use, and the others.
struct UniqueMatch {
  let supervisor: StatusPageReader
  let others: [StatusPageReader]
}

enum SupervisorMatch {
  case unique(UniqueMatch)
  /// Several, with no reason to prefer one.
  case ambiguous([StatusPageReader])
}

/// Returns PID 1 if it is a supervisor, else the only one; of several the only one in this container. Throws if none.
func findSupervisor(pid: Int32?) throws(CommandError) -> SupervisorMatch {
  if let pid { return .unique(UniqueMatch(supervisor: try openStatusPage(pid), others: [])) }
  let search: SupervisorSearch
  do throws(Errno) {
    search = try SupervisorSearch()
  } catch {
    throw error.code == ENOENT
      ? procIsMissing : CommandError(message: "cannot search for a supervisor: \(error.description)")
  }
  guard let first = search.found.first else { throw CommandError(message: describeFailure(of: search)) }
  if search.found.count == 1 { return .unique(UniqueMatch(supervisor: first, others: [])) }
  let own = search.found.filter { $0.isInOwnContainer }
  guard own.count == 1 else { return .ambiguous(search.found) }
  return .unique(UniqueMatch(supervisor: own[0], others: search.found.filter { $0.pid != own[0].pid }))
}

/// Returns the supervisor nearest to the app: if the command of the given one is a supervisor too, that one runs the
/// delay and the drain, unless it is asleep.
func nearestToApp(_ found: StatusPageReader) -> StatusPageReader {
  var nearest = found
  var next = found
  while let status = try? next.read(), status.info.pid == next.pid, let command = status.snapshot.commandPid,
    let below = try? StatusPageReader.open(pid: command)
  {
    next = below
    if isAwakeSupervisor(command) { nearest = below }
  }
  return nearest
}

/// Returns whether a process is a supervisor that runs a delay and a drain.
func isAwakeSupervisor(_ pid: Int32) -> Bool {
  guard let page = try? StatusPageReader.open(pid: pid) else { return false }
  return (try? page.read())?.info.isAsleep != true
}

/// Returns the outermost supervisor, among a process and its ancestors, whose health endpoint has this port; the others
/// leave the port to it. Its page appears only after its command has started, perhaps after this process, so this waits
/// up to 1 s.
func findSupervisor(above parent: Int32, holding port: UInt16) -> Int32? {
  for _ in 0..<200 {
    var found: Int32?
    var pid = parent
    while pid > 0 {
      if let page = try? StatusPageReader.open(pid: pid), let status = try? page.read(), status.info.healthPort == port
      {
        found = pid
      }
      pid = readParentPID(of: pid) ?? 0
    }
    if let found { return found }
    sleep(for: .milliseconds(5))
  }
  return nil
}

/// Returns the supervisor that `findSupervisor` finds. Throws as that one, or if there are several.
func requireSupervisor(pid: Int32?) throws(CommandError) -> StatusPageReader {
  switch try findSupervisor(pid: pid) {
  case .unique(let choice): return choice.supervisor
  case .ambiguous(let all):
    var pids = ""
    for one in all { pids += " \(one.pid)" }
    throw CommandError(message: "there are several supervisors, choose one with --pid:\(pids)")
  }
}

/// Returns the supervisor's state. Throws why the page cannot be read.
func readStatus(_ supervisor: StatusPageReader) throws(CommandError) -> Status {
  do throws(StatusPageError) {
    return try supervisor.read()
  } catch {
    let page = "the status page of process \(supervisor.pid)"
    switch error {
    case .halfWritten: throw CommandError(message: "\(page) is corrupt")
    case .notAStatusPage: throw CommandError(message: "\(page) was not written by ebb")
    case .otherSchema(let schema):
      throw CommandError(
        message:
          "\(page) has schema \(schema), and ebb \(ebbVersion) reads \(StatusPage.schema): use the ebb that runs there")
    }
  }
}

private func openStatusPage(_ pid: Int32) throws(CommandError) -> StatusPageReader {
  do throws(StatusPageReaderError) {
    return try StatusPageReader.open(pid: pid)
  } catch {
    switch error {
    case .noProc: throw procIsMissing
    case .noSuchProcess: throw CommandError(message: "there is no process \(pid) here")
    case .notASupervisor: throw CommandError(message: "process \(pid) is not an ebb supervisor: it has no status page")
    case .denied(let error):
      throw CommandError(message: "cannot inspect process \(pid): \(error.description)\(reasonForDenial(of: pid))")
    case .failed(let error): throw CommandError(message: "cannot inspect process \(pid): \(error.description)")
    }
  }
}

private var procIsMissing: CommandError {
  CommandError(message: "cannot search for a supervisor: /proc is not mounted, or belongs to another PID namespace")
}

private func describeFailure(of search: SupervisorSearch) -> String {
  guard let first = search.denied.first else {
    return "no supervisor found: no ebb runs here; for a container use docker exec or kubectl exec"
  }
  let more = search.denied.count > 1 ? " (nor into \(search.denied.count - 1) more)" : ""
  return "no supervisor found, and cannot inspect process \(first)\(more)\(reasonForDenial(of: first))"
}

private func reasonForDenial(of pid: Int32) -> String {
  guard let owner = readUserID(of: pid) else { return "" }
  if owner == Int(getuid()) {
    return ": it has capabilities that this session lacks, or its program file is not readable"
  }
  return ": it runs as user \(owner), and this is user \(getuid())"
}
