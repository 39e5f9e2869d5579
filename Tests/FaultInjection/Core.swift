import Glibc
import TestSupport

/// A seccomp profile that answers EPERM to clone3, as Docker's old ones do, so that no thread can be created.
func stopsWithoutThreads(_ options: Options) throws(Failure) -> FaultResult {
  var stops = WholeStops(options)
  for _ in 0..<options.times(50, quick: 3) { try stops.stop([options.testApp, "launch", "--refuse", "clone3", "--"]) }
  return stops.finding("stop with no thread allowed (clone3 refused by seccomp)")
}

/// Refuses each system call that the core needs, from the start.
func refusedCalls(_ options: Options) throws(Failure) -> FaultResult {
  let calls = ["epoll_create1", "epoll_ctl", "eventfd2", "signalfd4", "timerfd_create", "timerfd_settime"]
  let tries = options.times(20, quick: 1)
  var lost = 0
  for call in calls {
    for error in [EPERM, ENOSYS] {
      for _ in 0..<tries {
        let launcher = [options.testApp, "launch", "--refuse", "\(call):\(error)", "--"]
        let run = try SupervisedProcess(launcher + [options.ebb, "--", options.testApp, "stay"])
        let ending = run.process.ending(within: 5000)
        if ending != .code(125) || !run.moreLines(within: 1000).isEmpty || !run.isSilent { lost += 1 }
      }
    }
  }
  return FaultResult(
    "a system call of the core refused: \(calls.joined(separator: ", "))", tried: calls.count * 2 * tries, lost: lost,
    measured: "EPERM and ENOSYS each", bar: "exit 125, the command was never started")
}

/// Tries every limit of descriptors from 4 to 20, as hard and as soft limit.
func fewDescriptors(_ options: Options) throws(Failure) -> FaultResult {
  let tries = options.times(20, quick: 1)
  var tried = 0
  var lost = 0
  var refused = 0
  for limit in 4...20 {
    for hard in ["", ":100"] {
      for _ in 0..<tries {
        tried += 1
        let launcher = [options.testApp, "launch", "--rlimit-nofile", "\(limit)\(hard)", "--"]
        let run = try SupervisedProcess(launcher + [options.ebb, "--delay", "0", "--", options.testApp, "signals"])
        // "ready", or the end of the output.
        let first = (try? run.line("ready")).map { [$0] } ?? []
        run.process.signal(SIGTERM)
        let ending = run.process.ending(within: 5000)
        let lines = first + run.moreLines(within: 1000)
        if ending == .code(125), lines.isEmpty, hard.isEmpty {
          refused += 1
        } else if ending != .code(0) || !lines.contains("got TERM") || !run.isSilent {
          lost += 1
        }
      }
    }
  }
  return FaultResult(
    "start and stop with 4 to 20 descriptors", tried: tried, lost: lost,
    measured: "\(refused) refused with exit 125, the others as usual",
    bar: "a complete run, or exit 125 before the command starts"
  )
}

/// Clients request /status without pause while the command has 1 500 children.
func killsAmongStatusClients(_ options: Options) throws(Failure) -> FaultResult {
  let tries = options.times(20, quick: 2)
  var lost = 0
  var late: [Double] = []
  for _ in 0..<tries {
    let endpoint = Endpoint(port: try freePort())
    let words = ["--health", endpoint.text, "--delay", "0", "--drain", "time", "--grace", "1s", "-t", "10s", "--"]
    let run = try SupervisedProcess([options.ebb] + words + [options.testApp, "crowd", "1500"])
    try run.line("ready")
    let command = try openProcess(try SupervisedProcess.child(of: run.process.pid))
    defer { close(command) }
    let clients = (0..<20).map { _ in
      WorkerThread {
        while get("/status", port: endpoint.port) == 200 {}
      }
    }
    let sent = now()
    run.process.signal(SIGTERM)
    if isReady(command, within: 20_000) {
      late.append(Double(now() - sent - 1_000_000_000))
    } else {
      lost += 1
    }
    if run.process.ending(within: 20_000) != .code(137) { lost += 1 }
    for client in clients { client.join() }
  }
  let figures = [percentile(late, 50), late.max() ?? 0].map { fixed($0 / 1e6, 1) }
  return FaultResult(
    "SIGKILL at the deadline, 1500 processes and 20 clients at /status", tried: tries, lost: lost,
    measured: "late by p50 / max \(figures.joined(separator: " / ")) ms", bar: "never early, late by 250 ms at most",
    reached: (late.min() ?? 0) >= 0 && (late.max() ?? 0) <= 250e6)
}

/// A pre-stop hook and a termination log on a file that never opens, because a fanotify listener does not answer.
func stopsWithHangingFiles(_ options: Options) throws(Failure) -> FaultResult {
  let tries = options.times(50, quick: 2)
  var lost = 0
  var late: [Double] = []
  for _ in 0..<tries {
    let path = "/tmp/ebb-faults-\(getpid())"
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o755)
    guard file >= 0 else { throw Failure("cannot create \(path): \(text(errno))") }
    writeAll("#!/bin/sh\n", to: file)
    close(file)
    defer { unlink(path) }
    let holder = try SupervisedProcess([options.testApp, "hold", path])
    try holder.line("hold ready")
    let words = ["--pre-stop", path, "--termination-log", path, "--delay", "0", "--drain-timeout", "500ms", "-t", "2s"]
    let run = try SupervisedProcess(
      [options.ebb] + words + ["--kill-margin", "500ms", "--grace", "500ms", "--", options.testApp, "signals"])
    try run.line("ready")
    let sent = now()
    run.process.signal(SIGTERM)
    run.process.signal(SIGUSR1)
    try run.line("got USR1")
    try run.line("got TERM")
    late.append(Double(now() - sent - 500_000_000))
    if run.process.ending(within: 5000) != .code(0) { lost += 1 }
  }
  let figures = [percentile(late, 50), late.max() ?? 0].map { fixed($0 / 1e6, 1) }
  return FaultResult(
    "pre-stop hook and termination log on a file that hangs", tried: tries, lost: lost,
    measured: "stop signal late by p50 / max \(figures.joined(separator: " / ")) ms",
    bar: "forwarded at the hook's timeout, late by 100 ms at most; exit 0",
    reached: (late.min() ?? 0) >= 0 && (late.max() ?? 0) <= 100e6)
}

/// Sends SIGKILL to ten thousand children that ignore SIGTERM.
func killsCrowds(_ options: Options) throws(Failure) -> FaultResult {
  let tries = options.times(10, quick: 1)
  let count = options.times(10_000, quick: 2000)
  var lost = 0
  var times: [Double] = []
  for _ in 0..<tries {
    let words = ["--delay", "0", "--drain", "time", "--grace", "500ms", "--kill-margin", "20s", "-t", "40s", "--"]
    let run = try SupervisedProcess([options.ebb] + words + [options.testApp, "crowd", "\(count)"])
    try run.line("ready", within: 60_000)
    let sent = now()
    run.process.signal(SIGTERM)
    let ending = run.process.ending(within: 40_000)
    times.append(Double(now() - sent - 500_000_000))
    // They have ebb's standard output, so it ends with the last of them.
    _ = run.moreLines(within: 500)
    if ending != .code(137) || !run.isSilent { lost += 1 }
  }
  let figures = [percentile(times, 50), times.max() ?? 0].map { fixed($0 / 1e9, 1) }
  return FaultResult(
    "SIGKILL to \(count) children, as subreaper", tried: tries, lost: lost,
    measured: "all dead and reaped after p50 / max \(figures.joined(separator: " / ")) s",
    bar: "exit 137, no process survives")
}
