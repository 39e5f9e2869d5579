import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// This process's own children that live and the process group of each, by pid. Throws where the kernel does not list them.
/// proc_tid_children(5), waitid(2), getpgid(2).
package func ownChildren() throws(Errno) -> [ChildProcess] {
  try readChildren().sorted().filter { !ebb_has_ended($0) }.map { ChildProcess(pid: $0, group: getpgid($0)) }
}

/// The processes of a group, by pid; nil where /proc does not show them all, or where that takes longer than `limit`.
/// getpgid(2).
package func readGroupMembers(inGroup group: Int32, within limit: TimeAmount) -> [Int32]? {
  guard let pids = try? readPids() else { return nil }
  let end = monotonicTime() + limit
  var members: [Int32] = []
  for (index, pid) in pids.enumerated() {
    if index % 256 == 255, monotonicTime() > end { return nil }
    if getpgid(pid) == group { members.append(pid) }
  }
  return members.sorted()
}

/// The children of all threads of a process, in no order, those that wait to be reaped too. The folder is closed first:
/// descriptors may be scarce. Throws EAGAIN for a process with more than so many threads.
func readChildren(of pid: Int32 = getpid(), maxThreads: Int = .max) throws(Errno) -> [Int32] {
  guard procMatchesPIDNamespace else { throw Errno(code: ENOENT) }
  guard let folder = opendir("/proc/\(pid)/task") else { throw .current }
  var threads: [Int32] = []
  while case let thread = ebb_readdir_number(folder), thread != 0 { threads.append(thread) }
  closedir(folder)
  guard threads.count <= maxThreads else { throw Errno(code: EAGAIN) }
  var children: [Int32]?
  for thread in threads {
    do throws(Errno) {
      let list = try ProcLineReader("/proc/\(pid)/task/\(thread)/children")
      children = (children ?? []) + parseChildPIDs(try list.readAll())
    } catch {
      // It has ended, or the kernel has no lists.
      if error.code != ENOENT && error.code != ESRCH { throw error }
    }
  }
  guard let children else { throw Errno(code: EOPNOTSUPP) }
  return children
}

/// Returns the descendants of a process where they and their threads are few and the kernel lists children
/// (CONFIG_PROC_CHILDREN), at a fraction of the cost of reading every process of a machine. Nil where not, or where one of
/// them ended meanwhile.
func readSmallFamily(of ancestor: Int32) -> [ProcPIDStat]? {
  var family: [ProcPIDStat] = []
  var next = ancestor
  var index = 0
  while true {
    guard let children = try? readChildren(of: next, maxThreads: 16), family.count + children.count <= 16
    else { return nil }
    for child in children {
      guard let process = try? readProcess(child) else { return nil }
      family.append(process)
    }
    guard index < family.count else { return family }
    next = family[index].pid
    index += 1
  }
}

/// The children that are not dead, as far as they can be read in a tenth of a second, and the newest first, since the oldest are
/// dead by then; none where the kernel does not list them.
package func survivingChildren() -> [Survivor] {
  let end = monotonicTime() + .milliseconds(100)
  var survivors: [Survivor] = []
  for (index, child) in ((try? readChildren()) ?? []).reversed().enumerated() {
    if index % 32 == 31, monotonicTime() > end { break }
    if let stat = try? readFile("/proc/\(child)/stat", upTo: 1024), let survivor = Survivor(stat: stat) {
      survivors.append(survivor)
    }
  }
  return survivors
}

/// Every process in /proc, as far as it can be read within the time. Throws ENOENT where /proc is not there or belongs to
/// another pid namespace, whose numbers mean other processes; EMFILE, ….
func readProcessTable(within limit: TimeAmount = .longest) throws(Errno) -> [ProcPIDStat] {
  let pids = try readPids()
  let end = monotonicTime() + limit
  var processes: [ProcPIDStat] = []
  for (index, pid) in pids.enumerated() {
    if index % 32 == 31, monotonicTime() > end { break }
    if let process = try readProcess(pid) { processes.append(process) }
  }
  return processes
}

/// As `readProcessTable`, the numbers alone. The folder is closed before anything else is opened: descriptors may be
/// scarce.
func readPids() throws(Errno) -> [Int32] {
  guard procMatchesPIDNamespace else { throw Errno(code: ENOENT) }
  guard let folder = opendir("/proc") else { throw .current }
  defer { closedir(folder) }
  var pids: [Int32] = []
  while true {
    let pid = ebb_readdir_number(folder)
    if pid == 0 { return pids }
    pids.append(pid)
  }
}

/// Whether /proc is there and speaks of this process's pid namespace.
package var procMatchesPIDNamespace: Bool { ebb_proc_self() == getpid() }

/// Nil where the process is gone, or hidden. Inlined three times it is a kilobyte more code. Throws EMFILE, ENFILE, ENOMEM, which say nothing of it.
@inline(never)
func readProcess(_ pid: Int32) throws(Errno) -> ProcPIDStat? {
  do throws(Errno) {
    return ProcPIDStat(stat: try readFile("/proc/\(pid)/stat", upTo: 1024))
  } catch {
    if [EMFILE, ENFILE, ENOMEM].contains(error.code) { throw error }
    return nil
  }
}

/// The user that a process belongs to, nil where /proc does not say.
package func userID(of pid: Int32) -> Int? {
  (try? readFile("/proc/\(pid)/status", upTo: 1024)).flatMap { ProcPIDStatus($0).userID }
}
