import Glibc

/// The processors that the calling thread may use: sched_setaffinity(2). The Glibc module does not know the calls.
package struct ProcessorAffinity {
  private let mask: [UInt]

  /// The processors that the calling thread may use now.
  ///
  /// - Throws: A `Failure` with the error of the system call.
  package init() throws(Failure) {
    typealias Function = @convention(c) (pid_t, Int, UnsafeMutablePointer<UInt>) -> Int32
    var mask = [UInt](repeating: 0, count: 128)
    guard let symbol = dlsym(nil, "sched_getaffinity"),
      unsafeBitCast(symbol, to: Function.self)(0, mask.count * MemoryLayout<UInt>.size, &mask) == 0
    else { throw Failure("sched_getaffinity: \(text(errno))") }
    self.mask = mask
  }

  private init(mask: [UInt]) { self.mask = mask }

  /// The last of these processors.
  package var last: ProcessorAffinity {
    var single = [UInt](repeating: 0, count: mask.count)
    if let word = mask.lastIndex(where: { $0 != 0 }) {
      single[word] = 1 << (UInt.bitWidth - 1 - mask[word].leadingZeroBitCount)
    }
    return ProcessorAffinity(mask: single)
  }

  /// Restricts the calling thread, and all threads and processes that it starts, to these processors.
  ///
  /// - Throws: A `Failure` with the error of the system call.
  package func apply() throws(Failure) {
    typealias Function = @convention(c) (pid_t, Int, UnsafePointer<UInt>) -> Int32
    guard let symbol = dlsym(nil, "sched_setaffinity"),
      unsafeBitCast(symbol, to: Function.self)(0, mask.count * MemoryLayout<UInt>.size, mask) == 0
    else { throw Failure("sched_setaffinity: \(text(errno))") }
  }
}

/// Runs the body with the calling thread on one processor.
///
/// - Throws: The error of the body, or a `Failure` if the processor cannot be set.
package func onOneProcessor<Result>(_ body: () throws -> Result) throws -> Result {
  let allowed = try ProcessorAffinity()
  try allowed.last.apply()
  defer { try? allowed.apply() }
  return try body()
}
