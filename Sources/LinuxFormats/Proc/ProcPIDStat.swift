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

  /// Parses the bytes of /proc/PID/stat, proc_pid_stat(5): `pid (name) state ppid …`; the start time is field 22. The
  /// name may contain any byte, including spaces and parentheses, so count fields from the last `)`. `nil` if
  /// malformed.
  package init?(stat: [UInt8]) {
    guard let open = stat.firstIndex(of: UInt8(ascii: "(")), let close = stat.lastIndex(of: UInt8(ascii: ")")),
      open < close, let pid = parseDecimal(stat[..<open].dropLast(), max: Int(Int32.max))
    else { return nil }
    let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count >= 20, let parent = parseDecimal(fields[1], max: Int(Int32.max)),
      let start = parseDecimal(fields[19], max: Int.max)
    else { return nil }
    self.init(pid: Int32(pid), parent: Int32(parent), startTime: UInt64(start))
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
    guard let entry = ProcPIDStat(stat: stat), let open = stat.firstIndex(of: UInt8(ascii: "(")),
      let close = stat.lastIndex(of: UInt8(ascii: ")")), let state = stat[(close + 1)...].dropFirst().first,
      state != UInt8(ascii: "Z"), state != UInt8(ascii: "X")
    else { return nil }
    pid = entry.pid
    name = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
    isUninterruptible = state == UInt8(ascii: "D")
  }
}

/// Which threads of a process are alive.
package enum ThreadGroupState: Sendable {
  case running
  /// The first thread has exited, others are running.
  case leaderExited
  /// The process only waits to be reaped, or the bytes were malformed.
  case exited
}

/// Parses the state and the number of threads (field 20) from the bytes of /proc/PID/stat.
package func threadGroupState(stat: [UInt8]) -> ThreadGroupState {
  guard let close = stat.lastIndex(of: UInt8(ascii: ")")) else { return .exited }
  let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
  guard fields.count >= 18, let state = fields[0].first else { return .exited }
  guard state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") else { return .running }
  return parseDecimal(fields[17], max: .max) ?? 0 > 1 ? .leaderExited : .exited
}
