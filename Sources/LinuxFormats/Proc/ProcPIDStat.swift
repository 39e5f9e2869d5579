import Primitives

/// The identity and the parent of a process, from /proc/PID/stat.
package struct ProcPIDStat: Equatable, Sendable {
  /// The process ID in this PID namespace.
  package let pid: Int32
  /// The parent's process ID; 0 if the parent is outside this PID namespace.
  package let parent: Int32
  /// Kernel clock ticks since boot. A PID only identifies a process together with it, because PIDs are reused.
  package let startTime: UInt64

  package init(pid: Int32, parent: Int32, startTime: UInt64) {
    self.pid = pid
    self.parent = parent
    self.startTime = startTime
  }

  /// Parses the bytes of /proc/PID/stat. `nil` if malformed.
  package init?(stat: [UInt8]) {
    guard let line = StatLine(stat) else { return nil }
    self.init(line)
  }

  init?(_ line: StatLine) {
    guard let parent = line.number(4, max: Int(Int32.max)), let start = line.number(22, max: .max) else { return nil }
    self.init(pid: line.pid, parent: Int32(parent), startTime: UInt64(start))
  }
}

/// The line of /proc/PID/stat, proc_pid_stat(5): `pid (name) state ppid …`. The name may contain any byte, including
/// spaces and parentheses, so it ends at the last `)`.
struct StatLine {
  let pid: Int32
  private let nameBytes: ArraySlice<UInt8>
  /// The fields after the name, from field 3 on.
  private let fields: [ArraySlice<UInt8>]

  /// `nil` if malformed.
  init?(_ stat: [UInt8]) {
    guard let open = stat.firstIndex(of: UInt8(ascii: "(")), let close = stat.lastIndex(of: UInt8(ascii: ")")),
      open < close, let pid = parseDecimal(stat[..<open].dropLast(), max: Int(Int32.max))
    else { return nil }
    self.pid = Int32(pid)
    nameBytes = stat[(open + 1)..<close]
    fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
  }

  var name: String { String(decoding: nameBytes, as: UTF8.self) }
  /// The letter of field 3: R, S, D, T, Z, …; 0 if the line ends before it.
  var state: UInt8 { fields.first?.first ?? 0 }
  var isDead: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

  /// Returns a field by its number in proc_pid_stat(5). `nil` if it is missing or not a number up to `largest`.
  func number(_ field: Int, max largest: Int) -> Int? {
    fields.count > field - 3 ? parseDecimal(fields[field - 3], max: largest) : nil
  }
}

/// A process that is still alive after SIGKILL.
package struct Survivor: Sendable {
  /// The process ID in this PID namespace.
  package let pid: Int32
  /// Up to 15 bytes, which the program chose.
  package let name: String
  /// State D of proc_pid_stat(5): the process dies once the operation it waits for completes.
  package let isUninterruptible: Bool

  /// Parses the bytes of /proc/PID/stat. `nil` if the process is dead or the bytes are malformed.
  package init?(stat: [UInt8]) {
    guard let line = StatLine(stat), ProcPIDStat(line) != nil, !line.isDead else { return nil }
    (pid, name, isUninterruptible) = (line.pid, line.name, line.state == UInt8(ascii: "D"))
  }
}

/// Which threads of a process are alive.
package enum ThreadGroupState: Sendable {
  case running
  /// The first thread has exited, others are running.
  case leaderExited
  /// The process only waits to be reaped, or the bytes were malformed.
  case exited

  /// Parses the state and the number of threads (field 20) from the bytes of /proc/PID/stat.
  package init(stat: [UInt8]) {
    guard let line = StatLine(stat), let threads = line.number(20, max: .max) else {
      self = .exited
      return
    }
    self = !line.isDead ? .running : threads > 1 ? .leaderExited : .exited
  }
}
