// The commands that the inits start: this executable in another mode. They write numbers of 8 bytes, host byte order,
// to standard output, and end when their standard input ends.

import Glibc
import TestSupport

/// The first argument that selects this mode.
let commandMode = "command-mode"

/// Returns the arguments that run one of the commands below.
func benchmarkCommand(_ words: [String]) -> [String] {
  [pathOfThisProgram(), commandMode] + words
}

/// Runs the named command and exits.
func runCommand(_ words: [String]) -> Never {
  switch words.first {
  case "wait":
    send(Int64(getpid()))
  case "stamp":
    stampSignals()
    send(Int64(getpid()))
  case "orphans":
    send(Int64(getpid()))
    makeOrphans(count: words.count > 2 ? Int(words[2]) ?? 0 : 0, together: words.count > 1 && words[1] == "together")
  case "time":
    send(Int64(getpid()))
    timeRuns(Array(words.dropFirst()))
  case "serve":
    send(Int64(getpid()))
    serve()
  case "request":
    send(Int64(getpid()))
    guard words.count > 2, let port = UInt16(words[1]), let rate = Int64(words[2]) else { exit(2) }
    request(port: port, rate: rate)
  case "hold":
    send(Int64(getpid()))
    guard words.count > 3, let port = UInt16(words[1]), let part = UInt32(words[2]), let count = Int(words[3])
    else { exit(2) }
    send(Int64(holdConnections(port: port, part: part, count: count)))
  case "burn":
    // A limit, because nothing here would notice the end of the harness.
    alarm(120)
    while true { spin(nanoseconds: 1_000_000_000) }
  default:
    exit(2)
  }
  while waitForByte() {}
  exit(0)
}

private func send(_ number: Int64) {
  var value = number
  write(1, &value, 8)
}

/// Returns false at the end of the input.
private func waitForByte() -> Bool {
  var byte: UInt8 = 0
  while true {
    let count = read(0, &byte, 1)
    if count < 0 && errno == EINTR { continue }
    return count > 0
  }
}

/// Sends the time when USR1 or TERM arrives; the handler reads the clock first.
private func stampSignals() {
  var action = sigaction()
  action.__sigaction_handler.sa_handler = { _ in
    var stamp = now()
    write(1, &stamp, 8)
  }
  sigaction(SIGUSR1, &action, nil)
  sigaction(SIGTERM, &action, nil)
}

/// For each byte runs the program once and sends the time from spawn to end, or -1 if it did not exit with 0.
private func timeRuns(_ words: [String]) {
  interruptSystemCallsOnAlarm()
  let launch = Launch(words)
  while waitForByte() {
    let start = now()
    guard let pid = try? launch.start() else { exit(1) }
    let ending = finish(pid)
    let time = now() - start
    send(ending == .code(0) ? time : -1)
  }
}

/// Serves HTTP, always 200, on a port that it sends.
private func serve() {
  guard let listener = try? LoopbackSocket() else { exit(1) }
  send(Int64(listener.port))
  var entries = [0, listener.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  while poll(&entries, 2, -1) > 0, entries[0].revents == 0 {
    if entries[1].revents != 0 { answerOne(listener.descriptor) }
  }
}

/// Responds to the next connection's request with 200.
private func answerOne(_ listener: Int32) {
  let socket = accept(listener, nil, nil)
  guard socket >= 0 else { return }
  defer { close(socket) }
  var buffer = [UInt8](repeating: 0, count: 1024)
  guard recv(socket, &buffer, buffer.count, 0) > 0 else { return }
  _ = sendAll("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", over: socket)
}

/// Between one byte and the next requests /readyz at a steady rate per second. Then sends the number of requests, the
/// number of those not answered with 200, and the time in nanoseconds.
private func request(port: UInt16, rate: Int64) {
  while waitForByte() {
    var requests: Int64 = 0
    var failures: Int64 = 0
    let start = now()
    while !isReady(0, within: 0) {
      let left = start + requests * 1_000_000_000 / rate - now()
      if left > 0 { sleep(nanoseconds: left) }
      if get("/readyz", port: port) != 200 { failures += 1 }
      requests += 1
    }
    let time = now() - start
    guard waitForByte() else { return }
    for number in [requests, failures, time] { send(number) }
  }
}

/// For each byte makes this many orphans, which all die, and replies after making the last one.
private func makeOrphans(count: Int, together: Bool) {
  while waitForByte() {
    if together {
      orphansDyingTogether(count)
    } else {
      for _ in 0..<count { oneOrphan() }
    }
    send(Int64(count))
  }
}

/// Forks twice, like a daemon; the init must reap the grandchild.
private func oneOrphan() {
  let parent = forkProcess()
  if parent == 0 {
    _ = forkProcess()
    _exit(0)
  }
  waitpid(parent, nil, 0)
}

/// Makes orphans that wait for the end of a pipe and then die together.
private func orphansDyingTogether(_ count: Int) {
  guard let gate = try? makePipe() else { exit(1) }
  let parent = forkProcess()
  if parent == 0 {
    for _ in 0..<count where forkProcess() == 0 {
      close(gate.write)
      var byte: UInt8 = 0
      read(gate.read, &byte, 1)
      _exit(0)
    }
    _exit(0)
  }
  waitpid(parent, nil, 0)
  close(gate.write)
  close(gate.read)
}

/// Calls fork(2), which Swift hides because most programs should not use it. The children only call read and _exit.
private func forkProcess() -> pid_t {
  typealias Function = @convention(c) () -> pid_t
  guard let symbol = dlsym(nil, "fork") else { exit(1) }
  let pid = unsafeBitCast(symbol, to: Function.self)()
  if pid < 0 { exit(1) }
  return pid
}
