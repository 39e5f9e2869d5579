// One thin function for each thing that a measurement asks of the system.

import Glibc

/// Nanoseconds of CLOCK_MONOTONIC: the clock that harness and command share.
package func now() -> Int64 {
  read(clock: CLOCK_MONOTONIC)
}

private func read(clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Nanoseconds of processor time that a process has used, user and system, threads that are gone included (schedstat
/// leaves those out).
package func processorTime(of pid: pid_t) throws(Failure) -> Int64 {
  var clock = clockid_t()
  let error = clock_getcpuclockid(pid, &clock)
  guard error == 0 else { throw Failure("clock_getcpuclockid(\(pid)): \(text(error))") }
  return read(clock: clock)
}

/// Sleeps without a processor.
package func sleep(nanoseconds: Int64) {
  var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  var remaining = timespec()
  while nanosleep(&time, &remaining) == -1 && errno == EINTR { time = remaining }
}

/// Keeps the processor busy, so that it neither sleeps nor clocks down.
package func spin(nanoseconds: Int64) {
  let end = now() + nanoseconds
  while now() < end {}
}

/// The sentence of an errno value.
package func text(_ error: Int32) -> String {
  String(cString: strerror(error))
}

/// A file of /proc or a small other one, as text.
package func readFile(_ path: String) throws(Failure) -> String {
  String(decoding: try readBytes(path), as: UTF8.self)
}

/// A file's bytes.
package func readBytes(_ path: String) throws(Failure) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw Failure("cannot open \(path): \(text(errno))") }
  defer { close(descriptor) }
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    if count == 0 { return result }
    if count < 0 {
      if errno == EINTR { continue }
      throw Failure("cannot read \(path): \(text(errno))")
    }
    result += buffer[..<count]
  }
}

/// The names in a folder, without those that begin with a dot; empty if it cannot be read.
package func names(in folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var result: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if !name.hasPrefix(".") { result.append(name) }
  }
  return result
}

/// The `Name:  number` lines of a file of /proc.
package func numbers(_ path: String) throws(Failure) -> [String: Double] {
  var result: [String: Double] = [:]
  for line in try readFile(path).split(separator: "\n") {
    let parts = line.split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else { continue }
    let word = parts[1].split(whereSeparator: { $0 == " " || $0 == "\t" }).first
    result[String(parts[0])] = word.flatMap { Double($0) }
  }
  return result
}

/// The thread ids of a process.
package func threads(of pid: pid_t) -> [String] {
  names(in: "/proc/\(pid)/task")
}

/// The children of all threads of a process, zombies included.
package func children(of pid: pid_t) -> [pid_t] {
  threads(of: pid).flatMap { thread in
    let line = (try? readFile("/proc/\(pid)/task/\(thread)/children")) ?? ""
    return line.split(separator: " ").compactMap { pid_t($0) }
  }
}

/// A pipe whose both ends the spawned programs do not inherit.
package func makePipe() throws(Failure) -> (read: Int32, write: Int32) {
  var ends: [Int32] = [-1, -1]
  guard pipe(&ends) == 0 else { throw Failure("pipe: \(text(errno))") }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  return (ends[0], ends[1])
}

/// Waits until a descriptor is readable; false when the time is over.
package func waitReadable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  while true {
    let count = poll(&entry, 1, milliseconds)
    if count < 0 && errno == EINTR { continue }
    return count > 0
  }
}

/// A descriptor that becomes readable when the process has ended. The Glibc module does not know the call.
package func openProcess(_ pid: pid_t) throws(Failure) -> Int32 {
  typealias Function = @convention(c) (pid_t, UInt32) -> Int32
  guard let symbol = dlsym(nil, "pidfd_open") else { throw Failure("this C library has no pidfd_open") }
  let descriptor = unsafeBitCast(symbol, to: Function.self)(pid, 0)
  guard descriptor >= 0 else { throw Failure("pidfd_open(\(pid)): \(text(errno))") }
  return descriptor
}

/// How a process ended.
package enum Ending: Equatable, Sendable {
  case code(Int32)
  case signal(Int32)
  /// It did not end within the limit and was killed.
  case hung

  /// As `waitpid` tells it.
  package init(status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
  }
}
