import CPlatform
import Platform
import Supervision

/// `ebb status`
func status(_ options: StatusOptions) throws(Complaint) {
  switch try lookUp(pid: options.pid) {
  case .one(let choice):
    if options.watch { return try watch(choice.supervisor, json: options.json) }
    try printOut(try report(choice.supervisor, json: options.json))
    if !options.json { try list(choice.others, title: "\nother supervisors here, --pid chooses one:") }
  case .several(let all):
    // No JSON that would be one supervisor's.
    if options.json || options.watch { _ = try theSupervisor(pid: nil) }
    try list(all, title: "several supervisors here, --pid chooses one:")
  }
}

private func report(_ supervisor: StatusReader, json: Bool) throws(Complaint) -> [UInt8] {
  let status = try read(supervisor)
  let processes = readDescendants(of: supervisor.pid)
  let now = monotonicTime()
  return json
    ? statusJSON(status, pid: supervisor.pid, processes: processes, at: now)
    : Array(statusText(status, pid: supervisor.pid, processes: processes, at: now).utf8)
}

private func list(_ supervisors: [StatusReader], title: String) throws(Complaint) {
  guard !supervisors.isEmpty else { return }
  var text = title + "\n"
  for one in supervisors {
    do throws(StatusPageError) {
      text += supervisorLine(try one.read(), pid: one.pid, at: monotonicTime()) + "\n"
    } catch {
      text += "pid \(one.pid): its status page cannot be read\n"
    }
  }
  try printOut(Array(text.utf8))
}

// MARK: - Watching

/// Until the supervisor ends. The page cannot be waited for, so it is looked at; that costs the supervisor nothing.
private func watch(_ supervisor: StatusReader, json: Bool) throws(Complaint) {
  if !json, isatty(STDOUT_FILENO) == 1 { return try redraw(supervisor) }
  try follow(supervisor) { status throws(Complaint) in
    if json {
      let processes = readDescendants(of: supervisor.pid)
      return statusJSON(status, pid: supervisor.pid, processes: processes, at: monotonicTime())
    }
    return Array("\(utcTime(unixMilliseconds: unixMilliseconds())) \(statusLine(status, at: monotonicTime()))\n".utf8)
  }
}

private func redraw(_ supervisor: StatusReader) throws(Complaint) {
  repeat {
    // Home, the text, and whatever is left of a longer one before it goes.
    let home = "\u{1b}[H"
    var text: [UInt8] = []
    for byte in try report(supervisor, json: false) {
      if byte == UInt8(ascii: "\n") { text += "\u{1b}[K".utf8 }
      text.append(byte)
    }
    try printOut(Array(home.utf8) + text + Array("\u{1b}[J".utf8))
  } while !supervisor.hasEnded(within: 500)
  try printOut(try report(supervisor, json: false))
}

/// Prints what `line` makes of the state, now and whenever that has changed, until the supervisor has ended.
func follow(_ supervisor: StatusReader, line: (Status) throws(Complaint) -> [UInt8]) throws(Complaint) {
  var shown: [UInt8] = []
  while true {
    let hasEnded = supervisor.hasEnded(within: shown.isEmpty ? 0 : 20)
    let status = try read(supervisor)
    let state = StatusPage.slot(status.now, sequence: 0)
    if state != shown { try printOut(try line(status)) }
    shown = state
    if hasEnded { return }
  }
}
