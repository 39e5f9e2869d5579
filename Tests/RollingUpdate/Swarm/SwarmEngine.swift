import Glibc
import TestSupport

/// A Docker engine that is a swarm of one node: dockerd of Debian's docker.io, in the network namespace of the thread that
/// makes it.
///
/// The engine has its own mount and PID namespaces, so no process and no mount outlives it. It is killed with this program.
final class SwarmEngine: Sendable {
  private let folder: String
  private let namespace: pid_t
  private let client: [String]

  init(_ folder: String, _ programs: Programs) throws(Failure) {
    self.folder = folder
    try makeFolder(folder)
    client = [
      "/usr/bin/env", "DOCKER_HOST=unix://\(folder)/sock", "DOCKER_BUILDKIT=0", "HOME=\(folder)", "/usr/bin/docker",
    ]
    let log = try createFile(folder + "/log")
    defer { close(log) }
    let words = [
      "/usr/bin/env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "setpriv", "--pdeathsig", "KILL",
      "unshare", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child", programs.tini, "--",
      "dockerd", "--data-root", folder + "/data", "--exec-root", folder + "/exec", "--pidfile", folder + "/pid",
      "-H", "unix://\(folder)/sock", "--iptables=false", "--ip6tables=false", "--bridge=none",
      "--storage-driver=overlay2",
    ]
    namespace = try Launch(words, output: log, error: log).start()
    do throws(Failure) {
      try wait(for: "dockerd (see \(folder)/log)") { (try? docker("version")) != nil || hasEnded(within: 0) }
      try docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1")
    } catch {
      end()
      throw error
    }
  }

  /// Runs `docker WORD...`. Returns its output. Errors: docker failed.
  @discardableResult
  func docker(_ words: String...) throws(Failure) -> String { try docker(words) }

  @discardableResult
  func docker(_ words: [String]) throws(Failure) -> String { try output(of: client + words) }

  /// Ends all containers and the engine, and removes its data.
  func end() {
    removeServices()
    _ = try? docker("swarm", "leave", "--force")
    // The signal goes to the first process of the namespace, which is tini.
    for first in Proc.children(of: namespace) { kill(first, SIGTERM) }
    if !hasEnded(within: 60_000) {
      kill(namespace, SIGKILL)
      _ = hasEnded(within: -1)
    }
    _ = try? output(of: ["/bin/rm", "-rf", "--one-file-system", folder])
  }

  /// Removes all services, without a grace period.
  func removeServices() {
    if let services = try? words("service", "ls", "--quiet"), !services.isEmpty {
      _ = try? docker(["service", "rm"] + services)
    }
    while let containers = try? words("ps", "--all", "--quiet"), !containers.isEmpty {
      _ = try? docker(["rm", "--force"] + containers)
    }
  }

  /// All tasks of the swarm, ended ones too. Errors: docker failed.
  func tasks() throws(Failure) -> [SwarmTask] {
    let format = "{{.Name}}\t{{.Image}}\t{{.DesiredState}}\t{{.CurrentState}}\t{{.Error}}"
    let text = try docker("node", "ps", "self", "--no-trunc", "--format", format)
    return text.split(separator: "\n").compactMap { SwarmTask($0) }
  }

  /// The exit codes of the ended containers of a service. Errors: docker failed.
  func exitCodes(_ service: String) throws(Failure) -> [(task: String, image: String, code: Int)] {
    let filter = "label=com.docker.swarm.service.name=\(service)"
    let containers = try words("ps", "--all", "--quiet", "--filter", filter, "--filter", "status=exited")
    guard !containers.isEmpty else { return [] }
    let text = try docker(["inspect", "--format", "{{.Name}} {{.Config.Image}} {{.State.ExitCode}}"] + containers)
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, let code = Int(words[2]) else { return nil }
      // The name is "/SERVICE.SLOT.ID".
      return (String(words[0].dropFirst()), String(words[1]), code)
    }
  }

  /// Writes standard output and standard error of all tasks of a service to a file. Errors: docker failed.
  func saveLogs(of service: String, to path: String) throws(Failure) {
    let script = ["/bin/sh", "-c", "\"$@\" > \"$0\" 2>&1", path]
    _ = try output(of: script + client + ["service", "logs", "--timestamps", service])
  }

  private func words(_ words: String...) throws(Failure) -> [String] {
    try docker(words).split(whereSeparator: \.isWhitespace).map { String($0) }
  }

  private func hasEnded(within milliseconds: Int32) -> Bool {
    let end = now() + Int64(milliseconds) * 1_000_000
    var status: Int32 = 0
    repeat {
      let result = waitpid(namespace, &status, milliseconds < 0 ? 0 : WNOHANG)
      if result == namespace || result < 0 && errno == ECHILD { return true }
      if milliseconds != 0 { sleep(nanoseconds: 20_000_000) }
    } while milliseconds < 0 || now() < end
    return false
  }
}

/// A task, as a line of `docker node ps` describes it.
struct SwarmTask {
  let service: String
  let slot: Int
  let image: String
  /// The state that the orchestrator wants; `Shutdown` from the beginning of a stop.
  let isWanted: Bool
  /// The current state, such as `Running`, `Shutdown` or `Failed`.
  let state: String
  let error: String

  init?(_ line: Substring) {
    let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
    guard fields.count == 5 else { return nil }
    let name = fields[0].split(separator: ".")
    guard name.count == 2, let slot = Int(name[1]) else { return nil }
    (service, self.slot) = (String(name[0]), slot)
    image = String(fields[1])
    isWanted = fields[2] != "Shutdown" && fields[2] != "Remove"
    state = fields[3].split(separator: " ").first.map { String($0) } ?? ""
    error = String(fields[4])
  }

  var hasEnded: Bool { ["Shutdown", "Complete", "Failed", "Rejected", "Remove", "Orphaned"].contains(state) }
}
