import CPlatform
import Platform
import Supervision

/// The supervisor that `ebb status`, `stop` and `probe` are about, and others that are there.
struct SupervisorChoice {
  let supervisor: StatusReader
  let others: [StatusReader]
}

/// What a look around finds.
enum Lookup {
  case one(SupervisorChoice)
  /// None stands out.
  case several([StatusReader])
}

/// PID 1 if it is a supervisor, else the only one there is; among several the only one in this container.
func lookUp(pid: Int32?) throws(Complaint) -> Lookup {
  if let pid { return .one(SupervisorChoice(supervisor: try open(pid), others: [])) }
  let search: SupervisorSearch
  do throws(Errno) {
    search = try SupervisorSearch()
  } catch {
    throw error.code == ENOENT ? noProc : Complaint(message: "cannot look for a supervisor: \(error.text)")
  }
  guard let first = search.found.first else { throw Complaint(message: noneFound(search)) }
  if search.found.count == 1 { return .one(SupervisorChoice(supervisor: first, others: [])) }
  let own = search.found.filter { $0.isInOwnContainer }
  guard own.count == 1 else { return .several(search.found) }
  return .one(SupervisorChoice(supervisor: own[0], others: search.found.filter { $0.pid != own[0].pid }))
}

/// The supervisor nearest to the app: where the command of the one that was found is a supervisor itself, that one has
/// the delay and the drain, unless it is asleep.
func nearestToApp(_ found: StatusReader) -> StatusReader {
  var nearest = found
  var next = found
  while let status = try? next.read(), status.facts.pid == next.pid, let command = status.now.commandPid,
    let below = try? StatusReader.open(pid: command)
  {
    next = below
    if isAwakeSupervisor(command) { nearest = below }
  }
  return nearest
}

/// Whether a process is a supervisor that has a delay and a drain.
func isAwakeSupervisor(_ pid: Int32) -> Bool {
  guard let page = try? StatusReader.open(pid: pid) else { return false }
  return (try? page.read())?.facts.isAsleep != true
}

/// The outermost supervisor among a process and its ancestors that was given this port, which is taken, for its health
/// endpoint: the others have left it to that one. Its page comes after the start of its command, and so perhaps after this process's: waited for as long as a busy machine may
/// take.
func supervisor(above parent: Int32, holding port: UInt16) -> Int32? {
  for _ in 0..<200 {
    var found: Int32?
    var pid = parent
    while pid > 0 {
      if let page = try? StatusReader.open(pid: pid), let status = try? page.read(), status.facts.healthPort == port {
        found = pid
      }
      pid = Platform.parent(of: pid) ?? 0
    }
    if let found { return found }
    poll(nil, 0, 5)
  }
  return nil
}

/// As `lookUp`, where there must be one.
func theSupervisor(pid: Int32?) throws(Complaint) -> StatusReader {
  switch try lookUp(pid: pid) {
  case .one(let choice): return choice.supervisor
  case .several(let all):
    var pids = ""
    for one in all { pids += " \(one.pid)" }
    throw Complaint(message: "there are several supervisors, choose one with --pid:\(pids)")
  }
}

/// The state, or why it cannot be read.
func read(_ supervisor: StatusReader) throws(Complaint) -> Status {
  do throws(StatusPageError) {
    return try supervisor.read()
  } catch {
    let page = "the status page of process \(supervisor.pid)"
    switch error {
    case .halfWritten: throw Complaint(message: "\(page) is garbled")
    case .notAStatusPage: throw Complaint(message: "\(page) is none of ebb's")
    case .otherSchema(let schema):
      throw Complaint(
        message:
          "\(page) has schema \(schema), and ebb \(version) reads \(StatusPage.schema): use the ebb that runs there")
    }
  }
}

private func open(_ pid: Int32) throws(Complaint) -> StatusReader {
  do throws(StatusReaderError) {
    return try StatusReader.open(pid: pid)
  } catch {
    switch error {
    case .noProc: throw noProc
    case .noSuchProcess: throw Complaint(message: "there is no process \(pid) here")
    case .notASupervisor: throw Complaint(message: "process \(pid) is no supervisor: it has no status page")
    case .denied(let error): throw Complaint(message: "cannot look into process \(pid): \(error.text)\(cure(for: pid))")
    case .failed(let error): throw Complaint(message: "cannot look into process \(pid): \(error.text)")
    }
  }
}

private var noProc: Complaint {
  Complaint(message: "cannot look for a supervisor: /proc is not mounted here, or is another pid namespace's")
}

private func noneFound(_ search: SupervisorSearch) -> String {
  guard let first = search.denied.first else { return "no supervisor found: no process here has a status page" }
  let more = search.denied.count > 1 ? " (nor into \(search.denied.count - 1) more)" : ""
  return "no supervisor found, and cannot look into process \(first)\(more)\(cure(for: first))"
}

private func cure(for pid: Int32) -> String {
  guard let owner = owner(of: pid) else { return "" }
  if owner == Int(getuid()) {
    return ": it has capabilities that this session lacks, or its program file is not readable"
  }
  return ": it runs as user \(owner), and this is user \(getuid())"
}
