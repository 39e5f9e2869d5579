import Primitives

/// One process, from /proc/PID/stat.
package struct ProcPIDStat: Equatable, Sendable {
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
      open < close, let pid = parseDecimal(stat[..<open].dropLast(), max: Int(Int32.max))
    else { return nil }
    let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count >= 20, let parent = parseDecimal(fields[1], max: Int(Int32.max)),
      let start = parseDecimal(fields[19], max: Int.max)
    else { return nil }
    self.init(pid: Int32(pid), parent: Int32(parent), startTime: UInt64(start))
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
    guard let entry = ProcPIDStat(stat: stat), let open = stat.firstIndex(of: UInt8(ascii: "(")),
      let close = stat.lastIndex(of: UInt8(ascii: ")")), let state = stat[(close + 1)...].dropFirst().first,
      state != UInt8(ascii: "Z"), state != UInt8(ascii: "X")
    else { return nil }
    pid = entry.pid
    name = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
    isUninterruptible = state == UInt8(ascii: "D")
  }
}

/// What is left of a process.
package enum ThreadGroupState: Sendable {
  case running
  /// Its first thread has ended, others go on.
  case leaderExited
  /// It only waits to be reaped, or what was read is no such line.
  case exited
}

/// From the bytes of /proc/PID/stat: the state, and the number of threads, which is field 20.
package func threadGroupState(stat: [UInt8]) -> ThreadGroupState {
  guard let close = stat.lastIndex(of: UInt8(ascii: ")")) else { return .exited }
  let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
  guard fields.count >= 18, let state = fields[0].first else { return .exited }
  guard state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") else { return .running }
  return parseDecimal(fields[17], max: .max) ?? 0 > 1 ? .leaderExited : .exited
}
