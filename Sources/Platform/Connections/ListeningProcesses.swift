import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Finds the processes that have a listening TCP, UDP or UNIX socket, themselves or in a descendant. Steps are short.
package final class ListeningProcesses {
  private let table = SocketDump(source: .diagWithInfo)
  private let excluded: UInt16?
  private var rows: [SocketRecord] = []
  private var waiting: [Int32]
  private var search: SocketOwnerScan?
  private var listening: [Int32] = []
  private var hasTable = false

  /// `excluding`: a port that does not count.
  package init(_ pids: [Int32], excluding excluded: UInt16?) {
    (waiting, self.excluded) = (pids, excluded)
    table.begin(listenersOnly: true, ports: SortedSet())
  }

  /// Does the next step. Returns `nil` while there is more to do. The result lacks processes that could not be read.
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

  /// Returns a child of this process with a listening TCP socket, and its port; `nil` if none is found within `limit`.
  /// Reads only children, which the kernel lists, because iterating over /proc takes long with many processes.
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
        guard length > 0, let inode = parseSocketInode(link: text.prefix(length)) else { continue }
        for row in search.rows where row.inode == inode { return (child, row.localPort) }
      }
    }
    return nil
  }
}
