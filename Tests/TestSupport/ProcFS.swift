import Glibc

/// Properties of processes, read from /proc. A process may end at any moment, so a missing property is empty or `nil`.
package enum Proc {
  package static func all() -> [pid_t] { names(in: "/proc").compactMap { pid_t($0) } }

  /// Returns the thread ids of a process.
  package static func threads(of pid: pid_t) -> [String] { names(in: "/proc/\(pid)/task") }

  /// Returns the children of all threads of a process, oldest first, including zombies. It reads the kernel's list,
  /// because a scan of all processes takes seconds while another test has started thousands.
  package static func children(of pid: pid_t) -> [pid_t] {
    let lists = threads(of: pid).map { read("/proc/\(pid)/task/\($0)/children") }
    return lists.flatMap { $0.split(separator: " ") }.compactMap { pid_t($0) }.sorted()
  }

  package static func parent(of pid: pid_t) -> pid_t? { status(of: pid)["PPid"].flatMap { pid_t($0) } }

  /// Returns "R", "S", "T", "Z" and so on, or `nil` if the process has ended.
  package static func state(of pid: pid_t) -> String? { status(of: pid)["State"].map { String($0.prefix(1)) } }

  package static func environment(of pid: pid_t) -> [String] {
    read("/proc/\(pid)/environ").split(separator: "\0").map(String.init)
  }

  package static func directory(of pid: pid_t) -> String? { readLink("/proc/\(pid)/cwd") }

  /// Returns the target of each open descriptor.
  package static func descriptors(of pid: pid_t) -> [Int: String] {
    let folder = "/proc/\(pid)/fd"
    let pairs = names(in: folder).compactMap { name in
      Int(name).flatMap { number in readLink(folder + "/" + name).map { (number, $0) } }
    }
    return Dictionary(pairs) { $1 }
  }

  /// Returns the anonymous memory in kilobytes. File pages are omitted, because the kernel drops and reloads them.
  package static func anonymousKilobytes(of pid: pid_t) -> Int {
    status(of: pid)["RssAnon"].flatMap { Int($0.split(separator: " ")[0]) } ?? 0
  }

  /// Returns the sum of voluntary and involuntary context switches of all threads.
  package static func contextSwitches(of pid: pid_t) -> Int {
    threadStatus(of: pid).reduce(0) { sum, status in
      let switches = ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"].compactMap { status[$0] }
      return sum + switches.compactMap { Int($0) }.reduce(0, +)
    }
  }

  /// Waits until all threads sleep and ebb has made its check one second after the start.
  ///
  /// - Returns: The context switches so far.
  package static func settle(_ pid: pid_t) throws -> Int {
    var last = -1
    try Clock.wait(for: "process \(pid) to be two seconds old") { age(of: pid) > 2 }
    try Clock.wait(for: "process \(pid) to settle") {
      // Not a wait for a condition: the time in which no context switch may happen.
      sleep(nanoseconds: 200_000_000)
      defer { last = contextSwitches(of: pid) }
      // A thread that waits for a processor has no context switch either.
      return contextSwitches(of: pid) == last && threadStatus(of: pid).allSatisfy { $0["State"]?.first == "S" }
    }
    return last
  }

  /// Returns whether a debugger is attached to every thread.
  package static func isTraced(_ pid: pid_t) -> Bool {
    let threads = threadStatus(of: pid)
    return !threads.isEmpty && threads.allSatisfy { $0["TracerPid"] != "0" }
  }

  package static func status(of pid: pid_t) -> [String: String] { fields(read("/proc/\(pid)/status")) }

  /// Returns the `Name:  number` lines of a file of /proc.
  ///
  /// - Throws: A `Failure` if the file cannot be read.
  package static func numbers(_ path: String) throws(Failure) -> [String: Double] {
    fields(try readFile(path)).compactMapValues { $0.split(separator: " ").first.flatMap { Double($0) } }
  }

  private static func threadStatus(of pid: pid_t) -> [[String: String]] {
    threads(of: pid).map { fields(read("/proc/\(pid)/task/\($0)/status")) }
  }

  /// In seconds.
  private static func age(of pid: pid_t) -> Double {
    let fields = read("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    let sinceBoot = read("/proc/uptime").split(separator: " ").first.flatMap { Double($0) }
    guard fields.count > 19, let ticks = Double(fields[19]), let sinceBoot else { return 0 }
    return sinceBoot - ticks / 100
  }

  private static func fields(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      return (String(line[..<colon]), String(value))
    }
    return Dictionary(pairs) { first, _ in first }
  }

  private static func read(_ path: String) -> String { (try? readFile(path)) ?? "" }
}
