import Glibc
import TestSupport

/// One instance of the app. Its init is process 1 of a PID namespace, as in a container.
final class Replica {
  /// The load balancer's number for it.
  let server: Int
  private let container: Child
  private let first: pid_t
  private let way: ShutdownStrategy

  /// Starts it and waits until it answers. Errors: it does not start, or ends before that.
  init(_ server: Int, _ run: Run) throws(Failure) {
    self.server = server
    way = run.way
    let endpoint = run.servers[server]
    let folder = run.folder + "/\(server)"
    try makeFolder(folder)
    let log = try createFile(folder + "/log")
    defer { close(log) }
    let app = try run.app.words(endpoint, folder, slow: run.schedule.slow, run.programs)
    let words = [run.programs.testApp, "launch", "--pid-namespace", "--"] + way.words(port: endpoint.port) + app
    let container = try Child(Launch(words, output: log, error: log))
    self.container = container
    try wait(for: "process 1 of \(words)") { !Proc.children(of: container.pid).isEmpty }
    first = Proc.children(of: container.pid)[0]
    try wait(for: "an answer from \(words), see \(folder)/log") {
      run.app.isReady(endpoint) || container.ending(within: 0) != nil
    }
    guard container.ending(within: 0) == nil else { throw Failure("\(words) has ended: see \(folder)/log") }
  }

  /// Stops it as the kubelet does: the preStop sleep, the stop signal to process 1, and SIGKILL at the end of the grace
  /// period, which includes the sleep.
  ///
  /// - Returns: Whether SIGKILL ended it.
  func stop(grace: Int) -> Bool {
    let deadline = now() + Int64(grace) * 1_000_000
    if way.kind == .sleep { sleep(nanoseconds: Int64(way.wait) * 1_000_000) }
    kill(first, way.stopSignal)
    let left = max(0, deadline - now()) / 1_000_000
    guard container.ending(within: Int32(left)) == nil else { return false }
    // The end of process 1 ends all processes of its namespace (pid_namespaces(7)).
    kill(first, SIGKILL)
    _ = container.ending(within: -1)
    return true
  }
}

/// Waits until the condition is true.
///
/// - Throws: A `Failure` that names `what` after a minute.
func wait(for what: String, until condition: () -> Bool) throws(Failure) {
  guard Clock.poll(until: condition) else { throw Failure("timed out waiting for \(what)") }
}
