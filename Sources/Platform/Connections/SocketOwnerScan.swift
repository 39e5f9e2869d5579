import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Searches for sockets among the descriptors of processes.
final class SocketOwnerScan {
  private(set) var findings = PortDiscovery.ScanResult()

  private let owner: ConnectionSampler.Owner
  private var wanted = SortedSet<UInt64>()
  private let wantsOthers: Bool
  private var others = SortedSet<UInt64>()

  private var stage = Stage.others(file: 0)
  private var file: ProcLineReader?
  private var pids: [Int32] = []
  private var processes: [ProcPIDStat] = []
  private var waiting: [ProcPIDStat] = []
  private var visited = SortedSet<UInt64>()
  private var round = 0
  private var folder: OpaquePointer?
  private var isEmptyFolder = false
  private let text = UnsafeMutablePointer<UInt8>.allocate(capacity: SocketOwnerScan.maxLinkLength)

  private enum Stage {
    case others(file: Int)
    case processes
    case descriptors
  }

  private static let otherFiles = ["/proc/net/unix", "/proc/net/udp", "/proc/net/udp6", "/proc/self/mountinfo"]
  private static let maxProcesses = 32
  private static let maxLinks = 256
  private static let rounds = 5
  /// The link of a socket is shorter, and other links do not matter. Bytes.
  private static let maxLinkLength = 64

  /// `inodes`: the sockets to find. `wantsOthers`: also finds sockets of servers whose clients cannot be counted.
  init(_ owner: ConnectionSampler.Owner, for inodes: [UInt64], wantsOthers: Bool) {
    self.owner = owner
    wanted = SortedSet(inodes)
    self.wantsOthers = wantsOthers
    if !wantsOthers { beginRound() }
  }

  /// Searches for the sockets whose owners decide what listens.
  convenience init(_ owner: ConnectionSampler.Owner, for listeners: PortDiscovery) {
    self.init(owner, for: listeners.candidates.map { $0.inode }, wantsOthers: listeners.needsOthers)
  }

  deinit {
    closeFolder()
    text.deallocate()
  }

  /// Does the next step. Returns whether there is more to do.
  func step() -> Bool {
    switch stage {
    case .others(let index): readOthers(index)
    case .processes: return readProcesses()
    case .descriptors: return readDescriptors()
    }
    return true
  }

  // MARK: Other sockets

  private func readOthers(_ index: Int) {
    guard index < SocketOwnerScan.otherFiles.count else {
      if case .everyone = owner, !others.elements.isEmpty { findings.hasUncountable = true }
      return beginRound()
    }
    do throws(Errno) {
      if file == nil { file = try ProcLineReader(SocketOwnerScan.otherFiles[index]) }
      if try file?.read({ line in take(line, of: index) }) == true { return }
    } catch {
      handle(error) { findings.hasBlindSpot = true }
      // A kernel without IPv6 has no udp6. The other files always exist, unless they are hidden.
      if error.code == ENOENT, index != 2 { findings.hasBlindSpot = true }
    }
    file = nil
    stage = .others(file: index + 1)
  }

  private func take(_ line: ArraySlice<UInt8>, of index: Int) {
    switch index {
    case 0:
      if let inode = parseListeningUnixInode(line: line) { others.insert(inode) }
    case 3:
      if hidesProcesses(mount: line) { findings.isComplete = false }
    default:
      if let row = SocketRecord(line: line), row.isDatagramServer { others.insert(row.inode) }
    }
  }

  // MARK: Processes

  /// Each round visits processes that the previous one did not see: a process that forks during the scan leaves its
  /// sockets to its children.
  private func beginRound() {
    round += 1
    processes = []
    stage = .processes
    if case .descendants(let ancestor) = owner, !wantsOthers, let family = readSmallFamily(of: ancestor) {
      return processes = family
    }
    do throws(Errno) {
      pids = try readPids()
    } catch {
      if error.code == ENOENT { findings.isComplete = false } else { handle(error) { findings.isComplete = false } }
    }
  }

  private func readProcesses() -> Bool {
    for _ in 0..<SocketOwnerScan.maxProcesses {
      guard let pid = pids.popLast() else { return visitNewOnes() }
      do throws(Errno) {
        if let process = ProcPIDStat(stat: try readStat(of: pid)) { processes.append(process) }
      } catch {
        handle(error) { findings.isComplete = false }
      }
    }
    return true
  }

  private func visitNewOnes() -> Bool {
    let all =
      switch owner {
      case .descendants(let ancestor): descendants(of: ancestor, among: processes)
      case .tree(let head):
        processes.filter { $0.pid == head } + descendants(of: head, among: processes)
      case .everyone: processes.filter { $0.pid != getpid() }
      }
    waiting = all.filter { !visited.contains(identity(of: $0)) }
    guard !waiting.isEmpty else { return false }
    guard round < SocketOwnerScan.rounds else {
      findings.isSteady = false
      return false
    }
    // The list is in descending order of start time; inserting in ascending order moves no elements.
    for process in waiting.reversed() { visited.insert(identity(of: process)) }
    stage = .descriptors
    return true
  }

  /// A pid has at most 22 bits; proc(5) `pid_max`.
  private func identity(of process: ProcPIDStat) -> UInt64 { process.startTime << 22 | UInt64(process.pid) }

  // MARK: Descriptors

  private func readDescriptors() -> Bool {
    for _ in 0..<SocketOwnerScan.maxLinks {
      guard let process = waiting.last else {
        beginRound()
        return true
      }
      guard let folder else {
        openFolder(process.pid)
        continue
      }
      let length = Int(ebb_readdir_link(folder, text, Int32(SocketOwnerScan.maxLinkLength)))
      if length > 0 {
        if isEmptyFolder, wantsOthers, !sharesNetworkNamespace(process.pid) { findings.hasBlindSpot = true }
        isEmptyFolder = false
        take(link: Array(UnsafeBufferPointer(start: text, count: length)))
        if isSatisfied { return false }
      } else if length < 0, Errno.current.code == ENOENT {
        // The descriptor was closed, or moved to a lower number. A busy server does this all the time.
        if wantsOthers { findings.isSteady = false }
      } else {
        nextProcess()  // close the folder first: descriptors may be scarce
        if length < 0 || isEmptyFolder { checkReadable(at: process.pid, isReadable: length == 0) }
      }
    }
    return true
  }

  private func openFolder(_ pid: Int32) {
    folder = opendir("/proc/\(pid)/fd")
    isEmptyFolder = true
    guard folder == nil else { return }
    let error = Errno.current
    nextProcess()
    handle(error) { checkReadable(at: pid, isReadable: false) }
  }

  /// Handles an error while reading a process: it has ended, descriptors are scarce, or access is denied.
  private func handle(_ error: Errno, orFail fail: () -> Void) {
    switch error.code {
    case ENOENT, ESRCH: break
    case EMFILE, ENFILE, ENOMEM: findings.isSteady = false  // retry later
    default: fail()
    }
  }

  /// A dead process has no descriptors, and only root may read that. If only the main thread has ended, /proc hides the
  /// descriptors of the other threads.
  private func checkReadable(at pid: Int32, isReadable: Bool) {
    do throws(Errno) {
      switch ThreadGroupState(stat: try readStat(of: pid)) {
      case .exited: break
      case .leaderExited: findings.isComplete = false
      case .running: if !isReadable { (findings.isComplete, findings.isDenied) = (false, true) }
      }
    } catch {
      handle(error) { findings.isComplete = false }
    }
  }

  private func sharesNetworkNamespace(_ pid: Int32) -> Bool {
    let own = ebb_stat_inode("/proc/self/ns/net")
    return own != 0 && ebb_stat_inode("/proc/\(pid)/ns/net") == own
  }

  private func take(link: [UInt8]) {
    if let inode = parseSocketInode(link: link[...]) {
      findings.hasSockets = true
      if wanted.contains(inode) { findings.matched.insert(inode) }
      if others.contains(inode) { findings.hasUncountable = true }
    } else if link.starts(with: "anon_inode:[io_uring]".utf8), !wanted.elements.isEmpty || !others.elements.isEmpty {
      findings.hasBlindSpot = true  // an io_uring may have sockets without descriptors
    }
  }

  private var isSatisfied: Bool {
    !findings.matched.elements.isEmpty && findings.matched.elements.count == wanted.elements.count
  }

  private func nextProcess() {
    closeFolder()
    waiting.removeLast()
  }

  private func closeFolder() {
    if let folder { closedir(folder) }
    folder = nil
  }
}
