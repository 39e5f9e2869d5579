import Foundation
import TestSupport

extension Run {
  /// Attaches strace(1), which injects a fault into system calls of this process until the tracer ends.
  ///
  /// - Parameter fault: The value of strace's option `inject`, for example `recvfrom:error=EIO`.
  /// - Returns: The tracer.
  /// - Throws: A `Failure` if it cannot be attached.
  func inject(_ fault: String) throws -> Run {
    let strace = [installed("strace"), "-f", "-p", "\(pid)", "-e", "inject=\(fault)", "-o", "/dev/null"]
    let tracer = try Run.program(strace)
    try tracer.wait(for: "strace to be attached") { Proc.isTraced(pid) }
    return tracer
  }

  /// Ends a tracer. The traced process continues.
  func detach() throws {
    try send(.sigint)
    _ = try exit()
  }
}
