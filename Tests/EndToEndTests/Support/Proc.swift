import Foundation

/// Facts about processes from /proc. A process may vanish at any moment, so absent facts are empty.
enum Proc {
  static func all() -> [pid_t] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
  }

  /// The children of all threads of a process, zombies included, oldest first. The kernel lists them: all processes of
  /// the machine would take seconds where another test has made thousands.
  static func children(of parent: pid_t) -> [pid_t] {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(parent)/task")) ?? []
    let children = threads.flatMap { read("/proc/\(parent)/task/\($0)/children").split(separator: " ") }
    return children.compactMap { pid_t($0) }.sorted()
  }

  static func parent(of pid: pid_t) -> pid_t? { status(of: pid)["PPid"].flatMap { pid_t($0) } }

  /// "R", "S", "T", "Z" and so on, or nil when it is gone.
  static func state(of pid: pid_t) -> String? { status(of: pid)["State"].map { String($0.prefix(1)) } }

  static func environment(of pid: pid_t) -> [String] {
    read("/proc/\(pid)/environ").split(separator: "\0").map(String.init)
  }

  static func directory(of pid: pid_t) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
  }

  /// What each open descriptor refers to.
  static func descriptors(of pid: pid_t) -> [Int: String] {
    let folder = "/proc/\(pid)/fd"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let pairs = names.compactMap { name -> (Int, String)? in
      guard let number = Int(name) else { return nil }
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + name) else {
        return nil
      }
      return (number, target)
    }
    return Dictionary(pairs) { $1 }
  }

  /// Anonymous memory in kilobytes. Pages of its file come and go as the kernel likes.
  static func anonymousKilobytes(of pid: pid_t) -> Int {
    status(of: pid)["RssAnon"].flatMap { Int($0.split(separator: " ")[0]) } ?? 0
  }

  /// Context switches of all threads together, wanted or not.
  static func contextSwitches(of pid: pid_t) -> Int {
    threads(of: pid).reduce(0) { sum, status in
      let switches = ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"].compactMap { status[$0] }
      return sum + switches.compactMap { Int($0) }.reduce(0, +)
    }
  }

  /// Waits until all threads sleep, and ebb has had its look a second after the start. Returns how often they have been
  /// switched to.
  static func settle(_ pid: pid_t) throws -> Int {
    var last = -1
    try Clock.wait(for: "process \(pid) to be two seconds old") { age(of: pid) > 2 }
    try Clock.wait(for: "process \(pid) to settle") {
      usleep(200_000)
      defer { last = contextSwitches(of: pid) }
      // One that waits for a processor is not switched to either.
      return contextSwitches(of: pid) == last && threads(of: pid).allSatisfy { $0["State"]?.hasPrefix("S") == true }
    }
    return last
  }

  /// Whether a debugger has each of its threads.
  static func isTraced(_ pid: pid_t) -> Bool {
    let threads = threads(of: pid)
    return !threads.isEmpty && threads.allSatisfy { $0["TracerPid"] != "0" }
  }

  /// The status of each thread.
  private static func threads(of pid: pid_t) -> [[String: String]] {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return threads.map { fields("/proc/\(pid)/task/\($0)/status") }
  }

  /// In seconds.
  private static func age(of pid: pid_t) -> Double {
    let fields = read("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    let sinceBoot = read("/proc/uptime").split(separator: " ").first.flatMap { Double($0) }
    guard fields.count > 19, let ticks = Double(fields[19]), let sinceBoot else { return 0 }
    return sinceBoot - ticks / 100
  }

  static func status(of pid: pid_t) -> [String: String] { fields("/proc/\(pid)/status") }

  private static func fields(_ path: String) -> [String: String] {
    let pairs = read(path).split(separator: "\n").compactMap { line -> (String, String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      return (String(line[..<colon]), value)
    }
    return Dictionary(pairs) { first, _ in first }
  }

  /// To the end: the kernel gives a page at a time, which `FileManager` takes for the whole of a file.
  private static func read(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Foundation.read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }
}
