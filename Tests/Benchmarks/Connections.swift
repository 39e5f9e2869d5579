import Glibc
import TestSupport

// The cost of sampling connections, for ebb only. The sockets are on loopback, so both ends are on this machine. The
// cost depends on all sockets that the kernel iterates over, also those of other namespaces and those in TIME_WAIT.

/// These ports are not among the kernel's client ports, and nothing else uses the addresses.
private let port = 21_001
private let otherPort = 21_002
private let unusedPort = 21_003

/// Measures the CPU time of a pass, and the memory of a supervisor that samples. Throws if a process cannot be started.
func measureConnections(_ bench: Bench) throws(Failure) {
  try waitForTheEndOfOldConnections()
  try measurePass(bench, on: 1_000, elsewhere: 0, limit: 3e6)
  try measurePass(bench, on: 10_000, elsewhere: 0, limit: 25e6)
  try measurePass(bench, on: 1_000, elsewhere: 48_000, limit: 10e6)
  try measureSamplingMemory(bench, connections: 50_000)
}

/// TIME_WAIT lasts a minute.
private func waitForTheEndOfOldConnections() throws(Failure) {
  for _ in 0..<75 {
    let words = try readFile("/proc/net/sockstat").split(whereSeparator: { $0 == " " || $0 == "\n" })
    let waiting = words.firstIndex(of: "tw").flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
    if waiting ?? 0 < 500 { return }
    sleep(nanoseconds: 1_000_000_000)
  }
}

/// Measures `ebb drain --drain time` without a delay, which is one pass: the first one, which opens descriptors that
/// later ones reuse. Subtracts the time of `ebb --version`, which only starts.
private func measurePass(_ bench: Bench, on count: Int, elsewhere sockets: Int, limit: Double) throws(Failure) {
  var holders = try hold(count, port)
  holders += try hold(sockets / 2, otherPort)
  // With --pid the supervisor is not searched for among all processes.
  let supervisor = try Session(bench.ebb.running(benchmarkCommand(["wait"])))
  try waitForPage(of: supervisor.pid, ebb: bench.ebb.path)
  func pass(on port: Int) -> [String] {
    [bench.ebb.path, "drain", "--pid", "\(supervisor.pid)", "--drain", "time", "--delay", "0s", "--ports", "\(port)"]
  }
  var times: [Double] = []
  var walks: [Double] = []
  for _ in 0..<bench.options.rounds(50, quick: 10) {
    let start = try processorTime(running: [bench.ebb.path, "--version"])
    times.append(Double(try processorTime(running: pass(on: port)) - start))
    walks.append(Double(try processorTime(running: pass(on: unusedPort)) - start))
  }
  for session in holders + [supervisor] { _ = session.end() }
  let place = sockets > 0 ? ", \(sockets + 2 * count) sockets" : ""
  let title = "processor time of a pass, \(count) connections\(place)"
  let pair = both(times)
  bench.report.add(Row("\(title), p50 / max", texts: ["ebb": pair]))
  // A lower bound for any program: the time depends on memory speed, and is longer if others use the same cache.
  bench.report.add(Row("of which iterating over all sockets, p50 / max", texts: ["ebb": both(walks)]))
  bench.report.judge(
    "\(title), at most \(Unit.nanoseconds.text(limit))", measured: pair + " (p50 / max)", median(times) <= limit)
}

/// Waits for the status page, which appears a moment after the command.
private func waitForPage(of pid: pid_t, ebb: String) throws(Failure) {
  for _ in 0..<6000 {
    if case .code(0) = finish(try Launch([ebb, "status", "--pid", "\(pid)"]).start()) { return }
    sleep(nanoseconds: 10_000_000)
  }
  throw Failure("process \(pid) has no status page")
}

private func both(_ times: [Double]) -> String {
  "\(Unit.nanoseconds.text(median(times))) / \(Unit.nanoseconds.text(times.max() ?? 0))"
}

/// Compares before the stop signal and during the passes. The first pass brings its code back from the page cache, for
/// any number of connections, so measure without connections too.
private func measureSamplingMemory(_ bench: Bench, connections: Int) throws(Failure) {
  var growth: [(resident: Double, anonymous: Double)] = []
  for count in [0, connections] {
    let holders = try hold(count, port)
    let options = ["-t", "60s", "--delay", "40s", "--ports", "\(port)", "--"]
    let session = try Session([bench.ebb.path] + options + benchmarkCommand(["wait"]))
    sleep(nanoseconds: 1_000_000_000)
    let before = try Proc.numbers("/proc/\(session.pid)/status")
    kill(session.pid, SIGTERM)
    sleep(nanoseconds: 4_000_000_000)
    let after = try Proc.numbers("/proc/\(session.pid)/status")
    func difference(_ key: String) -> Double { (after[key] ?? 0) - (before[key] ?? 0) }
    growth.append((difference("VmRSS"), difference("RssAnon")))
    _ = session.end()
    for holder in holders { _ = holder.end() }
  }
  let texts = growth.map {
    "\(Unit.kilobytes.text($0.resident)), of which \(Unit.kilobytes.text($0.anonymous)) anonymous"
  }
  bench.report.add(Row("memory that passes over \(connections) connections add", texts: ["ebb": texts[1]]))
  bench.report.add(Row("memory that passes without connections add", texts: ["ebb": texts[0]]))
  let most = max(growth[1].anonymous, growth[1].resident - growth[0].resident)
  bench.report.judge(
    "\(connections) connections take less than 1.25 MB", measured: "\(texts[1]); with none: \(texts[0])", most < 1280)
}

/// Returns user and system time in nanoseconds, as counted by the scheduler.
private func processorTime(running words: [String]) throws(Failure) -> Int64 {
  let pid = try Launch(words).start()
  var status: Int32 = 0
  var usage = rusage()
  while wait4(pid, &status, 0, &usage) == -1 {
    guard errno == EINTR else { throw Failure("wait4: \(text(errno))") }
  }
  guard status == 0 else {
    throw Failure("`\(words.joined(separator: " "))` ended with status \(status), expected 0")
  }
  return [usage.ru_utime, usage.ru_stime].reduce(0) {
    $0 + Int64($1.tv_sec) * 1_000_000_000 + Int64($1.tv_usec) * 1000
  }
}

/// Starts processes that hold `count` connections, each as many as its descriptor limit allows.
private func hold(_ count: Int, _ port: Int) throws(Failure) -> [Session] {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  let most = min(10_000, (Int(clamping: limit.rlim_max) - 100) / 2)
  guard most > 0 else { throw Failure("too few descriptors: ulimit -Hn") }
  var holders: [Session] = []
  for part in 0..<((count + most - 1) / most) {
    let share = min(most, count - part * most)
    let holder = try Session(benchmarkCommand(["hold", "\(port)", "\(part)", "\(share)"]))
    guard try holder.receive() == share else { throw Failure("port \(port) cannot hold \(share) connections") }
    holders.append(holder)
  }
  return holders
}

/// The `hold` command: makes the connections, with one request and response each, and returns how many it made.
func holdConnections(port: UInt16, part: UInt32, count: Int) -> Int {
  raiseDescriptorLimit()
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = (0x7F01_0001 + part).bigEndian
  let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  var one: Int32 = 1
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
  guard with(address, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0 else { return 0 }
  for made in 0..<count {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    // Leaves nothing in TIME_WAIT for the next measurement.
    resetOnClose(client)
    guard with(address, { connect(client, $0, $1) }) == 0 else { return made }
    let server = accept(listener, nil, nil)
    resetOnClose(server)
    var byte: UInt8 = 1
    for (sender, receiver) in [(client, server), (server, client)] {
      guard write(sender, &byte, 1) == 1, read(receiver, &byte, 1) == 1 else { return made }
    }
  }
  return count
}

private func with(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  withUnsafePointer(to: address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}
