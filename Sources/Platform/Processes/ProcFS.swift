import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Returns this process's live children and their process groups, by pid. Throws EOPNOTSUPP if the kernel does not list
/// children, ENOENT, EMFILE. proc_tid_children(5), waitid(2), getpgid(2).
package func readOwnChildren() throws(Errno) -> [ChildProcess] {
  try readChildren().sorted().filter { !ebb_has_ended($0) }.map { ChildProcess(pid: $0, group: getpgid($0)) }
}

/// Returns a group's processes, by pid; `nil` if /proc hides some or reading exceeds `limit`. getpgid(2).
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

/// Returns the children of all threads of a process, unsorted, with zombies. Throws EAGAIN above `maxThreads`, EOPNOTSUPP
/// if the kernel does not list children, ENOENT, EMFILE.
func readChildren(of pid: Int32 = getpid(), maxThreads: Int = .max) throws(Errno) -> [Int32] {
  guard procMatchesPIDNamespace else { throw Errno(code: ENOENT) }
  let threads = try readNumbers(in: "/proc/\(pid)/task")
  guard threads.count <= maxThreads else { throw Errno(code: EAGAIN) }
  var children: [Int32]?
  for thread in threads {
    do throws(Errno) {
      let list = try ProcLineReader("/proc/\(pid)/task/\(thread)/children")
      children = (children ?? []) + parseChildPIDs(try list.readAll())
    } catch {
      // The thread has ended, or the kernel has no lists.
      if error.code != ENOENT && error.code != ESRCH { throw error }
    }
  }
  guard let children else { throw Errno(code: EOPNOTSUPP) }
  return children
}

/// Returns the descendants of a process if they and their threads are few and the kernel lists children
/// (CONFIG_PROC_CHILDREN). Much cheaper than reading every process. `nil` otherwise, or if one of them ended.
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

/// Returns the live children that can be read in 0.1 s, newest first, because the oldest have died by then. Empty if
/// the kernel does not list children.
package func readSurvivingChildren() -> [Survivor] {
  let end = monotonicTime() + .milliseconds(100)
  var survivors: [Survivor] = []
  for (index, child) in ((try? readChildren()) ?? []).reversed().enumerated() {
    if index % 32 == 31, monotonicTime() > end { break }
    if let stat = try? readStat(of: child), let survivor = Survivor(stat: stat) {
      survivors.append(survivor)
    }
  }
  return survivors
}

/// Returns every process in /proc that can be read within `limit`. Throws ENOENT if /proc is not mounted or belongs to
/// another PID namespace, whose numbers mean other processes; EMFILE, ENFILE, ENOMEM.
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

/// Returns the pids in /proc. Throws as `readProcessTable`.
func readPids() throws(Errno) -> [Int32] {
  guard procMatchesPIDNamespace else { throw Errno(code: ENOENT) }
  return try readNumbers(in: "/proc")
}

/// Returns the entries of a folder in /proc that are numbers, and closes it again, because descriptors may be scarce.
/// Throws ENOENT, EACCES, EMFILE.
func readNumbers(in folder: String) throws(Errno) -> [Int32] {
  guard let folder = opendir(folder) else { throw .current }
  defer { closedir(folder) }
  var numbers: [Int32] = []
  while case let number = ebb_readdir_number(folder), number != 0 { numbers.append(number) }
  return numbers
}

/// Returns /proc/PID/stat; proc_pid_stat(5). Throws ENOENT or ESRCH if the process has ended, EACCES, EMFILE.
func readStat(of pid: Int32) throws(Errno) -> [UInt8] { try readFile("/proc/\(pid)/stat", upTo: 1024) }

/// Whether /proc is mounted and belongs to this process's PID namespace.
package var procMatchesPIDNamespace: Bool { ebb_proc_self() == getpid() }

/// `nil`: it has ended or is hidden. Inlining adds 1 kB. Throws EMFILE, ENFILE, ENOMEM, as for any process.
@inline(never)
func readProcess(_ pid: Int32) throws(Errno) -> ProcPIDStat? {
  do throws(Errno) {
    return ProcPIDStat(stat: try readStat(of: pid))
  } catch {
    if [EMFILE, ENFILE, ENOMEM].contains(error.code) { throw error }
    return nil
  }
}

/// Returns the real user id of a process; `nil` if /proc does not show it.
package func readUserID(of pid: Int32) -> Int? {
  (try? readFile("/proc/\(pid)/status", upTo: 1024)).flatMap { ProcPIDStatus($0).userID }
}
