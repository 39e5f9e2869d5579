// The commands that the inits start: this same executable in another mode. They report through standard output, eight
// bytes a number, and end when their standard input ends.

import Glibc
import TestSupport

/// The first word that turns this executable into a command.
let commandMode = "command-mode"

/// The words that run one of the commands below.
func benchmarkCommand(_ words: [String]) -> [String] {
  [pathOfThisProgram(), commandMode] + words
}

/// Runs the command that the words name and exits.
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
    // A limit, should the harness die: nothing here would notice.
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

/// False at the end of the input.
private func waitForByte() -> Bool {
  var byte: UInt8 = 0
  while true {
    let count = read(0, &byte, 1)
    if count < 0 && errno == EINTR { continue }
    return count > 0
  }
}

/// USR1 and TERM only send the time of their arrival: the clock is read before anything else happens in the handler.
private func stampSignals() {
  var action = sigaction()
  action.__sigaction_handler.sa_handler = { _ in
    var stamp = now()
    write(1, &stamp, 8)
  }
  sigaction(SIGUSR1, &action, nil)
  sigaction(SIGTERM, &action, nil)
}

/// On each request runs the words once and answers with the time from spawn to end, -1 if they did not exit with 0.
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

/// An HTTP server that has nothing to say but 200, on a port that it sends.
private func serve() {
  guard let (listener, port) = try? listenSomewhere() else { exit(1) }
  send(Int64(port))
  var entries = [0, listener].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  while poll(&entries, 2, -1) > 0, entries[0].revents == 0 {
    if entries[1].revents != 0 { answerOne(listener) }
  }
}

/// Answers the next connection's request with 200.
private func answerOne(_ listener: Int32) {
  let socket = accept(listener, nil, nil)
  guard socket >= 0 else { return }
  defer { close(socket) }
  var buffer = [UInt8](repeating: 0, count: 1024)
  guard recv(socket, &buffer, buffer.count, 0) > 0 else { return }
  _ = sendAll("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", over: socket)
}

/// Between one byte and the next asks for /readyz at a steady pace, so many a second, and then sends the number of
/// requests, of those that were not answered with 200, and the nanoseconds.
private func request(port: UInt16, rate: Int64) {
  while waitForByte() {
    var requests: Int64 = 0
    var failures: Int64 = 0
    let start = now()
    while !waitReadable(0, milliseconds: 0) {
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

/// On each request makes so many orphans, all of which die, and answers when the last has been made.
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

/// A double fork, as a daemon does it: the grandchild is the init's to reap.
private func oneOrphan() {
  let parent = forkProcess()
  if parent == 0 {
    _ = forkProcess()
    _exit(0)
  }
  waitpid(parent, nil, 0)
}

/// Orphans that wait for the end of a pipe and then all die at once.
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

/// The plain fork, which Swift hides since most programs should not use it: here the children only read and _exit.
private func forkProcess() -> pid_t {
  typealias Function = @convention(c) () -> pid_t
  guard let symbol = dlsym(nil, "fork") else { exit(1) }
  let pid = unsafeBitCast(symbol, to: Function.self)()
  if pid < 0 { exit(1) }
  return pid
}
