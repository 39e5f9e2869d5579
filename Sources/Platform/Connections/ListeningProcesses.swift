import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Finds out which of some processes listen, on TCP, UDP or UNIX sockets: the process itself or a descendant. Each `step`
/// is short.
package final class ListeningProcesses {
  private let table = SocketDump(source: .diagWithInfo)
  private let excluded: UInt16?
  private var rows: [SocketRecord] = []
  private var waiting: [Int32]
  private var search: SocketOwnerScan?
  private var listening: [Int32] = []
  private var hasTable = false

  /// `excluding`: a port that counts for nothing.
  package init(_ pids: [Int32], excluding excluded: UInt16?) {
    (waiting, self.excluded) = (pids, excluded)
    table.begin(listenersOnly: true, ports: SortedSet())
  }

  /// The next piece of work. Nil: there is more to do. Of which process nothing could be found out is not in the answer.
  package func step() -> [Int32]? {
    guard hasTable else {
      readTable()
      return nil
    }
    guard let pid = waiting.last else { return listening }
    let search = self.search ?? SocketOwnerScan(.tree(of: pid), for: candidates)
    self.search = search
    if search.step() { return nil }
    let findings = search.findings
    if !findings.matched.elements.isEmpty || findings.hasUncountable { listening.append(pid) }
    self.search = nil
    waiting.removeLast()
    return nil
  }

  /// The listening sockets of this network namespace.
  private func readTable() {
    switch table.step({ rows.append($0) }) {
    case .more: break
    case .again: rows = []
    case .done, .failed: hasTable = true
    }
  }

  private var candidates: PortDiscovery {
    var listeners = PortDiscovery(given: nil, excluding: excluded)
    for row in rows { listeners.add(row) }
    return listeners
  }

  /// A child of this process that has a listening TCP socket, and its port; `nil` where none has, or none is found within
  /// the time. Only children, whom the kernel lists: a walk over /proc takes long on a machine with many processes.
  package static func child(within limit: TimeAmount) -> (pid: Int32, port: UInt16)? {
    let end = monotonicTime() + limit
    let search = ListeningProcesses([], excluding: nil)
    while !search.hasTable, monotonicTime() < end { search.readTable() }
    var text = [UInt8](repeating: 0, count: 64)
    for child in (try? readChildren()) ?? [] where monotonicTime() < end {
      guard let folder = opendir("/proc/\(child)/fd") else { continue }
      defer { closedir(folder) }
      for _ in 0..<1000 {
        let length = Int(ebb_readdir_link(folder, &text, Int32(text.count)))
        if length == 0 { break }
        guard length > 0, let inode = socketInode(link: text.prefix(length)) else { continue }
        for row in search.rows where row.inode == inode { return (child, row.localPort) }
      }
    }
    return nil
  }
}
