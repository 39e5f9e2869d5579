/// One process, from /proc/PID/stat.
package struct ProcessEntry: Equatable, Sendable {
  /// Its process id, in this pid namespace.
  package let pid: Int32
  /// Its parent's; 0 where that is outside of this pid namespace.
  package let parent: Int32
  /// Kernel clock ticks since boot: together with the pid the identity of a process, since pids are used again.
  package let startTime: UInt64

  package init(pid: Int32, parent: Int32, startTime: UInt64) {
    self.pid = pid
    self.parent = parent
    self.startTime = startTime
  }

  /// Reads the bytes of /proc/PID/stat, proc_pid_stat(5): `pid (name) state ppid …`, start time is field 22. The name
  /// may hold anything, spaces and parentheses too, so the fields are counted from the last `)`. Nil for what is no
  /// such line.
  package init?(stat: [UInt8]) {
    guard let open = stat.firstIndex(of: UInt8(ascii: "(")), let close = stat.lastIndex(of: UInt8(ascii: ")")),
      open < close, let pid = wholeNumber(stat[..<open].dropLast(), upTo: Int(Int32.max))
    else { return nil }
    let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count >= 20, let parent = wholeNumber(fields[1], upTo: Int(Int32.max)),
      let start = wholeNumber(fields[19], upTo: Int.max)
    else { return nil }
    self.init(pid: Int32(pid), parent: Int32(parent), startTime: UInt64(start))
  }
}

/// The descendants of `ancestor` as a person reads them: each process followed by its own descendants, siblings by age.
/// The generation of a child of `ancestor` is 0.
package func familyTree(of ancestor: Int32, among processes: [ProcessEntry]) -> [(process: ProcessEntry, depth: Int)] {
  var families = Families(processes)
  var found: [(process: ProcessEntry, depth: Int)] = []
  // The next one last. No recursion: the container's processes choose how deep the tree is.
  var waiting: [(process: ProcessEntry, depth: Int)] = []
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

/// The descendants of `ancestor`, parents before their children. A process that somebody else put into the container
/// (`kubectl exec`) has its parent outside and is none.
package func descendants(of ancestor: Int32, among processes: [ProcessEntry]) -> [ProcessEntry] {
  var families = Families(processes)
  var found: [ProcessEntry] = []
  var generation = families.takeChildren(of: ancestor)
  while !generation.isEmpty {
    found += generation
    generation = generation.flatMap { families.takeChildren(of: $0.pid) }
  }
  return found
}

/// Processes by their parents. Sorted, and no dictionary: its hash function takes a seed from getrandom(2), which waits
/// for the machine's entropy early in its boot.
private struct Families {
  private let byParent: [ProcessEntry]
  private var isTaken: [Bool]

  init(_ processes: [ProcessEntry]) {
    // Siblings by age.
    byParent = processes.sorted { ($0.parent, $0.startTime, $0.pid) < ($1.parent, $1.startTime, $1.pid) }
    isTaken = [Bool](repeating: false, count: processes.count)
  }

  /// Each only once: a table that was read while it changed may hold a circle.
  mutating func takeChildren(of parent: Int32) -> [ProcessEntry] {
    var low = 0
    var high = byParent.count
    while low < high {
      let middle = (low + high) / 2
      if byParent[middle].parent < parent { low = middle + 1 } else { high = middle }
    }
    guard low < byParent.count, byParent[low].parent == parent, !isTaken[low] else { return [] }
    let children = byParent[low...].prefix { $0.parent == parent }
    isTaken[low] = true
    return Array(children)
  }
}

/// The pids in /proc/PID/task/TID/children, proc_tid_children(5): decimal, a space behind each. The last one may be cut
/// off where the list was longer than what was read of it, and is left out then.
package func childPids(_ list: [UInt8]) -> [Int32] {
  guard let end = list.lastIndex(of: UInt8(ascii: " ")) else { return [] }
  return list[..<end].split(separator: UInt8(ascii: " ")).compactMap {
    wholeNumber($0, upTo: Int(Int32.max)).map { Int32($0) }
  }
}

/// A process that has got SIGKILL and lives.
package struct Survivor: Sendable {
  /// Its process id, in this pid namespace.
  package let pid: Int32
  /// Fifteen bytes of anything that its program chose.
  package let name: String
  /// State D of proc_pid_stat(5): it dies when what it waits for has come.
  package let isUninterruptible: Bool

  /// From the bytes of /proc/PID/stat; nil where it is dead, or they are no such line.
  package init?(stat: [UInt8]) {
    guard let entry = ProcessEntry(stat: stat), let open = stat.firstIndex(of: UInt8(ascii: "(")),
      let close = stat.lastIndex(of: UInt8(ascii: ")")), let state = stat[(close + 1)...].dropFirst().first,
      state != UInt8(ascii: "Z"), state != UInt8(ascii: "X")
    else { return nil }
    pid = entry.pid
    name = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
    isUninterruptible = state == UInt8(ascii: "D")
  }
}

/// What is left of a process.
package enum Life: Sendable {
  case going
  /// Its first thread has ended, others go on.
  case headless
  /// It only waits to be reaped, or what was read is no such line.
  case ended
}

/// From the bytes of /proc/PID/stat: the state, and the number of threads, which is field 20.
package func life(stat: [UInt8]) -> Life {
  guard let close = stat.lastIndex(of: UInt8(ascii: ")")) else { return .ended }
  let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
  guard fields.count >= 18, let state = fields[0].first else { return .ended }
  guard state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") else { return .going }
  return wholeNumber(fields[17], upTo: .max) ?? 0 > 1 ? .headless : .ended
}

/// Whether a line of /proc/self/mountinfo shows a /proc that hides the processes of other users; proc(5) `hidepid`.
package func hidesProcesses(mount line: ArraySlice<UInt8>) -> Bool {
  line.split(separator: UInt8(ascii: " ")).last?.split(separator: UInt8(ascii: ",")).contains {
    $0.starts(with: "hidepid=".utf8)
  } ?? false
}
