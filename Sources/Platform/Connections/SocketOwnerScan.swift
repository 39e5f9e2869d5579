import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Looks for sockets among the descriptors of processes.
final class SocketOwnerScan {
  /// What has been found so far.
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
  /// A socket's is shorter, and no other one matters.
  private static let maxLinkLength = 64

  /// For the sockets with these inodes. `wantsOthers`: also for what makes a server whose clients cannot be counted.
  init(_ owner: ConnectionSampler.Owner, for inodes: [UInt64], wantsOthers: Bool) {
    self.owner = owner
    wanted = SortedSet(inodes)
    self.wantsOthers = wantsOthers
    if !wantsOthers { beginRound() }
  }

  /// For the sockets whose owners decide what listens.
  convenience init(_ owner: ConnectionSampler.Owner, for listeners: PortDiscovery) {
    self.init(owner, for: listeners.candidates.map { $0.inode }, wantsOthers: listeners.needsOthers)
  }

  deinit {
    closeFolder()
    text.deallocate()
  }

  /// The next piece of work. Returns whether there is more.
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
      // A kernel without IPv6 has no udp6. The others are always there, unless somebody hides them.
      if error.code == ENOENT, index != 2 { findings.hasBlindSpot = true }
    }
    file = nil
    stage = .others(file: index + 1)
  }

  private func take(_ line: ArraySlice<UInt8>, of index: Int) {
    switch index {
    case 0:
      if let inode = listeningUnixInode(line: line) { others.insert(inode) }
    case 3:
      if hidesProcesses(mount: line) { findings.isComplete = false }
    default:
      if let row = SocketRecord(line: line), row.isDatagramServer { others.insert(row.inode) }
    }
  }

  // MARK: Processes

  /// In each round those that were not there in the last one: whoever forks meanwhile leaves its sockets to its
  /// children.
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
        if let process = ProcPIDStat(stat: try readFile("/proc/\(pid)/stat", upTo: 1024)) { processes.append(process) }
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
    // The youngest come first, and each one put before all others would move these.
    for process in waiting.reversed() { visited.insert(identity(of: process)) }
    stage = .descriptors
    return true
  }

  /// No pid has more than 22 bits; proc(5) `pid_max`.
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
        // Closed meanwhile, or moved to a number that lies behind. A busy server does nothing else.
        if wantsOthers { findings.isSteady = false }
      } else {
        nextProcess()  // first: descriptors may be scarce
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

  /// An error on the way to what a process has: it has ended, or descriptors are scarce, or it may not be looked into.
  private func handle(_ error: Errno, orFail fail: () -> Void) {
    switch error.code {
    case ENOENT, ESRCH: break
    case EMFILE, ENFILE, ENOMEM: findings.isSteady = false  // another time
    default: fail()
    }
  }

  /// A dead process has no descriptors, and nobody else than root may read that. One whose first thread alone has ended
  /// hides those of the other threads.
  private func checkReadable(at pid: Int32, isReadable: Bool) {
    do throws(Errno) {
      switch threadGroupState(stat: try readFile("/proc/\(pid)/stat", upTo: 1024)) {
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
    if let inode = socketInode(link: link[...]) {
      findings.hasSockets = true
      if wanted.contains(inode) { findings.matched.insert(inode) }
      if others.contains(inode) { findings.hasUncountable = true }
    } else if link.starts(with: "anon_inode:[io_uring]".utf8), !wanted.elements.isEmpty || !others.elements.isEmpty {
      findings.hasBlindSpot = true  // such a ring may have sockets that are no descriptors
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
