import Glibc
import TestSupport

/// Where the harness, the init and the command may run.
///
/// On one processor the path itself is measured, reproducible within a percent. On all processors the wake-up of a
/// sleeping processor adds to it as often as the scheduler chooses. In a virtual machine one wake-up costs more than
/// the whole path, which hides the difference between the programs. Both matter: a container with one processor, and
/// the machine as it is.
enum Placement: String, CaseIterable {
  case one = "one processor"
  case all = "all processors"
}

/// Runs the body, and all processes that it starts, on these processors. Throws as `body` or sched_setaffinity(2).
func place<Result>(_ placement: Placement, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
  guard placement == .one else { return try body() }
  let allowed = try affinity()
  guard let word = allowed.lastIndex(where: { $0 != 0 }) else { throw Failure("no processor is allowed") }
  var single = [UInt](repeating: 0, count: allowed.count)
  single[word] = 1 << (UInt.bitWidth - 1 - allowed[word].leadingZeroBitCount)
  try setAffinity(single)
  do throws(Failure) {
    let result = try body()
    try setAffinity(allowed)
    return result
  } catch {
    try setAffinity(allowed)
    throw error
  }
}

// Linux-only functions, which the Glibc module lacks.

private func affinity() throws(Failure) -> [UInt] {
  typealias Function = @convention(c) (pid_t, Int, UnsafeMutablePointer<UInt>) -> Int32
  var mask = [UInt](repeating: 0, count: 128)
  guard let symbol = dlsym(nil, "sched_getaffinity"),
    unsafeBitCast(symbol, to: Function.self)(0, mask.count * MemoryLayout<UInt>.size, &mask) == 0
  else { throw Failure("sched_getaffinity: \(text(errno))") }
  return mask
}

private func setAffinity(_ mask: [UInt]) throws(Failure) {
  typealias Function = @convention(c) (pid_t, Int, UnsafePointer<UInt>) -> Int32
  guard let symbol = dlsym(nil, "sched_setaffinity"),
    unsafeBitCast(symbol, to: Function.self)(0, mask.count * MemoryLayout<UInt>.size, mask) == 0
  else { throw Failure("sched_setaffinity: \(text(errno))") }
}
