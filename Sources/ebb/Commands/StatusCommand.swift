import CPlatform
import LinuxFormats
import Platform
import Primitives
import Supervision

/// `ebb status`. Throws if there is no supervisor, or its page cannot be read.
func runStatus(_ options: StatusOptions) throws(CommandError) {
  switch try findSupervisor(pid: options.pid) {
  case .unique(let choice):
    let supervisor = options.pid == nil ? nearestToApp(choice.supervisor) : choice.supervisor
    if options.watch { return try watch(supervisor, options) }
    try printOut(try statusReport(supervisor, options))
    if !options.json { try list(choice.others, title: "\nother supervisors here, --pid chooses one:") }
  case .ambiguous(let all):
    // JSON of several supervisors would look like that of one.
    if options.json || options.watch { _ = try requireSupervisor(pid: nil) }
    try list(all, title: "several supervisors here, --pid chooses one:")
  }
}

func statusReport(_ supervisor: StatusPageReader, _ options: StatusOptions) throws(CommandError) -> [UInt8] {
  try statusReport(try readStatus(supervisor), of: supervisor, options)
}

func statusReport(
  _ status: Status, of supervisor: StatusPageReader, _ options: StatusOptions
) throws(CommandError) -> [UInt8] {
  var status = status
  let connections = options.connections ? try count(supervisor, into: &status) : nil
  let processes = readDescendants(of: supervisor.pid)
  let now = monotonicTime()
  if options.json {
    return status.json(pid: supervisor.pid, processes: processes, list: connections, at: now)
  }
  var text = status.text(pid: supervisor.pid, processes: processes, at: now)
  if let connections { text += "\n" + connectionText(connections, quiet: status.info.drainQuiet) }
  return Array(text.utf8)
}

/// Samples the connections now, because the supervisor does so only during a stop. Throws if they cannot be counted.
private func count(_ supervisor: StatusPageReader, into status: inout Status) throws(CommandError) -> [Connection] {
  let sampler = ConnectionSampler(
    ports: status.info.ports?.map { Port($0) }, owner: .descendants(of: supervisor.pid),
    excluding: status.info.healthPort,
    quiet: status.info.drainQuiet)
  sampler.startPass(lookForListeners: true)
  var connections: [Connection] = []
  switch sampler.finish({ connections.append($0) }) {
  case .success(let sample): status.snapshot.connections = StatusSnapshot.Connections(sample)
  case .failure(let failure): throw CommandError(message: "cannot count the connections: \(failure.reason)")
  }
  return connections.filter { $0.state != .listen }
}

private func list(_ supervisors: [StatusPageReader], title: String) throws(CommandError) {
  guard !supervisors.isEmpty else { return }
  var text = title + "\n"
  for one in supervisors {
    do throws(StatusPageError) {
      text += try one.read().supervisorLine(pid: one.pid, at: monotonicTime()) + "\n"
    } catch {
      text += "pid \(one.pid): cannot read its status page\n"
    }
  }
  try printOut(Array(text.utf8))
}

// MARK: - Watching

/// Follows the supervisor until it ends. Polls its page, which costs the supervisor nothing. Throws as `readStatus`.
private func watch(_ supervisor: StatusPageReader, _ options: StatusOptions) throws(CommandError) {
  if !options.json, isatty(STDOUT_FILENO) == 1 { return try redraw(supervisor, options) }
  try follow(supervisor, options)
}

private func redraw(_ supervisor: StatusPageReader, _ options: StatusOptions) throws(CommandError) {
  repeat {
    // Cursor home, then the text; erase what remains of a longer one.
    let home = "\u{1b}[H"
    var text: [UInt8] = []
    for byte in try statusReport(supervisor, options) {
      if byte == UInt8(ascii: "\n") { text += "\u{1b}[K".utf8 }
      text.append(byte)
    }
    try printOut(Array(home.utf8) + text + Array("\u{1b}[J".utf8))
  } while !supervisor.hasEnded(within: .milliseconds(500))
  var options = options
  options.connections = false  // there are none any more
  try printOut(try statusReport(supervisor, options))
}
