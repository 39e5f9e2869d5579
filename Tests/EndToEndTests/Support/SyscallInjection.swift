import Foundation

extension Run {
  /// Attaches strace(1): from now on system calls of this process behave so, until the tracer ends.
  ///
  /// - Parameter fault: As its option `inject` has it, `recvfrom:error=EIO` for instance.
  /// - Returns: The tracer.
  /// - Throws: A `Failure` when it cannot be attached.
  func inject(_ fault: String) throws -> Run {
    let strace = [Machine.path(of: "strace") ?? "", "-f", "-p", "\(pid)", "-e", "inject=\(fault)", "-o", "/dev/null"]
    let tracer = try Run.program(strace)
    try tracer.wait(for: "strace to be attached") { Proc.isTraced(pid) }
    return tracer
  }

  /// Ends a tracer, which leaves the process as it is.
  func detach() throws {
    try send(.sigint)
    _ = try exit()
  }
}
