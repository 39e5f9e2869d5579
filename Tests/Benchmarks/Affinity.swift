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
  let allowed = try ProcessorAffinity()
  try allowed.last.apply()
  defer { try? allowed.apply() }
  return try body()
}
