import Primitives

/// Returns the descendants of `ancestor` in reading order: each process is followed by its own descendants, siblings by
/// age. Children of `ancestor` have depth 0.
package func familyTree(of ancestor: Int32, among processes: [ProcPIDStat]) -> [(process: ProcPIDStat, depth: Int)] {
  var families = Families(processes)
  var found: [(process: ProcPIDStat, depth: Int)] = []
  // A stack. There is no recursion because the container's processes choose the depth of the tree.
  var waiting: [(process: ProcPIDStat, depth: Int)] = []
  func takeChildren(of pid: Int32, depth: Int) {
    for child in families.takeChildren(of: pid).reversed() { waiting.append((child, depth)) }
  }
  takeChildren(of: ancestor, depth: 0)
  while let next = waiting.popLast() {
    found.append(next)
    takeChildren(of: next.process.pid, depth: next.depth + 1)
  }
  return found
}

/// Returns the descendants of `ancestor`, parents before their children. A process that another program started in the
/// container (`kubectl exec`) has its parent outside, so it is not a descendant.
package func descendants(of ancestor: Int32, among processes: [ProcPIDStat]) -> [ProcPIDStat] {
  var families = Families(processes)
  var found: [ProcPIDStat] = []
  var generation = families.takeChildren(of: ancestor)
  while !generation.isEmpty {
    found += generation
    generation = generation.flatMap { families.takeChildren(of: $0.pid) }
  }
  return found
}

/// Processes sorted by parent. A dictionary's hash function would read its seed with getrandom(2), which blocks until
/// the machine has collected entropy early in its boot.
private struct Families {
  private let byParent: [ProcPIDStat]
  private var isTaken: [Bool]

  init(_ processes: [ProcPIDStat]) {
    // Sorts siblings by age.
    byParent = processes.sorted { ($0.parent, $0.startTime, $0.pid) < ($1.parent, $1.startTime, $1.pid) }
    isTaken = [Bool](repeating: false, count: processes.count)
  }

  /// Returns the children of a process only once, because a table that was read while it changed may contain a cycle.
  mutating func takeChildren(of parent: Int32) -> [ProcPIDStat] {
    let first = byParent.partitioningIndex { $0.parent >= parent }
    guard first < byParent.count, byParent[first].parent == parent, !isTaken[first] else { return [] }
    isTaken[first] = true
    return Array(byParent[first...].prefix { $0.parent == parent })
  }
}

/// Parses the PIDs in /proc/PID/task/TID/children, proc_tid_children(5): decimal numbers, each followed by a space. If
/// the bytes end within a PID, that PID is omitted.
package func parseChildPIDs(_ list: [UInt8]) -> [Int32] {
  guard let end = list.lastIndex(of: UInt8(ascii: " ")) else { return [] }
  return list[..<end].split(separator: UInt8(ascii: " ")).compactMap {
    parseDecimal($0, max: Int(Int32.max)).map { Int32($0) }
  }
}
