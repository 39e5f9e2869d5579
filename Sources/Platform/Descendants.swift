import CPlatform
import Supervision

/// Sends a signal to every descendant of this process; to those that were found by then where the look at /proc takes
/// longer than `limit`. Returns false where /proc cannot tell who they are. Never kill(-1): that hits the debugging
/// sessions of `kubectl exec` too.
public func signalDescendants(_ signal: Signal, within limit: Span) -> Bool {
  guard let processes = readProcessTable(within: limit) else { return false }
  for process in descendants(of: getpid(), among: processes) { send(signal, to: process) }
  return true
}

/// Sends a signal to this process's own children. Returns false where the kernel does not list them
/// (CONFIG_PROC_CHILDREN).
///
/// For those that fork faster than /proc can be read: whoever loses its parent becomes a child, and a list of a few
/// children is read and acted on in microseconds. No descriptor is needed: a child's pid is its own until this process
/// has reaped it. proc_tid_children(5).
public func signalChildren(_ signal: Signal) -> Bool {
  guard let children = readChildren() else { return false }
  for child in children { kill(child, signal.number) }
  return true
}

/// This process's own children that live and the process group of each, by pid; nil where the kernel does not list them.
/// proc_tid_children(5), waitid(2), getpgid(2).
public func ownChildren() -> [ChildProcess]? {
  readChildren()?.sorted().filter { !ebb_has_ended($0) }.map { ChildProcess(pid: $0, group: getpgid($0)) }
}

/// The processes of a group, by pid; nil where /proc does not show them all, or where that takes longer than `limit`.
/// getpgid(2).
public func processes(inGroup group: Int32, within limit: Span) -> [Int32]? {
  guard let pids = readPids() else { return nil }
  let end = monotonicTime() + limit
  var members: [Int32] = []
  for (index, pid) in pids.enumerated() {
    if index % 256 == 255, monotonicTime() > end { return nil }
    if getpgid(pid) == group { members.append(pid) }
  }
  return members.sorted()
}

/// Of all threads, in no order; nil for a process with more than so many. The folder is closed first: descriptors may be
/// scarce. proc_tid_children(5).
private func readChildren(of process: String = "self", mostThreads: Int = .max) -> [Int32]? {
  let path = "/proc/\(process)/task"
  guard isProcOwn, let folder = opendir(path) else { return nil }
  var threads: [Int32] = []
  while true {
    let thread = ebb_next_process(folder)
    if thread == 0 { break }
    threads.append(thread)
  }
  closedir(folder)
  guard threads.count <= mostThreads else { return nil }
  var children: [Int32]?
  for thread in threads {
    guard let list = readList("\(path)/\(thread)/children") else { continue }  // it has ended, or no thread has a list
    children = (children ?? []) + childPids(list)
  }
  return children
}

/// The whole list: behind thousands of children that wait to be reaped stand those that live.
private func readList(_ path: String) -> [UInt8]? {
  var capacity = 16 * 1024
  while true {
    guard let list = try? readFile(path, upTo: capacity) else { return nil }
    if list.count < capacity || capacity > 1 << 20 { return list }
    capacity *= 4
  }
}

/// Returns the descendants of a process where they and their threads are few and the kernel lists children
/// (CONFIG_PROC_CHILDREN), at a fraction of the cost of reading every process of a machine. Nil where not, or where one of
/// them ended meanwhile.
func readSmallFamily(of ancestor: Int32) -> [ProcessEntry]? {
  var family: [ProcessEntry] = []
  var next = ancestor
  var index = 0
  while true {
    guard let children = readChildren(of: "\(next)", mostThreads: 16), family.count + children.count <= 16
    else { return nil }
    for child in children {
      guard let process = readProcess(child) else { return nil }
      family.append(process)
    }
    guard index < family.count else { return family }
    next = family[index].pid
    index += 1
  }
}

/// Every process in /proc, as far as it can be read within the time; nil where /proc is not there or belongs to another
/// pid namespace, whose numbers mean other processes.
func readProcessTable(within limit: Span = .longest) -> [ProcessEntry]? {
  guard let pids = readPids() else { return nil }
  let end = monotonicTime() + limit
  var processes: [ProcessEntry] = []
  for (index, pid) in pids.enumerated() {
    if index % 32 == 31, monotonicTime() > end { break }
    if let process = readProcess(pid) { processes.append(process) }
  }
  return processes
}

/// As `readProcessTable`, the numbers alone. The folder is closed before anything else is opened: descriptors may be
/// scarce.
func readPids() -> [Int32]? {
  guard isProcOwn, let folder = opendir("/proc") else { return nil }
  defer { closedir(folder) }
  var pids: [Int32] = []
  while true {
    let pid = ebb_next_process(folder)
    if pid == 0 { return pids }
    pids.append(pid)
  }
}

/// Whether /proc is there and speaks of this process's pid namespace.
public var isProcOwn: Bool { ebb_proc_self() == getpid() }

/// Nil where the process is gone. Inlined three times it is a kilobyte more code.
@inline(never)
private func readProcess(_ pid: Int32) -> ProcessEntry? {
  guard let stat = try? readFile("/proc/\(pid)/stat", upTo: 1024) else { return nil }
  return ProcessEntry(stat: stat)
}

/// By a descriptor where the kernel has them: between the look at /proc and the signal the process may have been reaped
/// by its own parent and its pid given to another. Whoever still has the same start time behind the descriptor is the
/// one.
private func send(_ signal: Signal, to process: ProcessEntry) {
  let descriptor = ebb_pidfd_open(process.pid)
  guard descriptor >= 0 else {
    if Errno.current.code != ESRCH { kill(process.pid, signal.number) }
    return
  }
  defer { close(descriptor) }
  guard readProcess(process.pid)?.startTime == process.startTime else { return }
  _ = ebb_pidfd_signal(descriptor, signal.number)
}
