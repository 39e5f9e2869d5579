import Glibc
import TestSupport

/// A Docker engine that is a swarm of one node: dockerd of Debian's docker.io, in the network of the thread that makes it.
///
/// It has namespaces of its own for mounts and processes, so that nothing outlives it. Where this program is killed, it
/// is killed too.
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

  /// `docker WORD...`, and what it printed.
  @discardableResult
  func docker(_ words: String...) throws(Failure) -> String { try docker(words) }

  @discardableResult
  func docker(_ words: [String]) throws(Failure) -> String { try output(of: client + words) }

  /// Ends every container, and the engine, and removes its data.
  func end() {
    removeServices()
    _ = try? docker("swarm", "leave", "--force")
    // To the namespace's first process, which is tini.
    for first in Proc.children(of: namespace) { kill(first, SIGTERM) }
    if !hasEnded(within: 60_000) {
      kill(namespace, SIGKILL)
      _ = hasEnded(within: -1)
    }
    _ = try? output(of: ["/bin/rm", "-rf", "--one-file-system", folder])
  }

  /// Without their grace.
  func removeServices() {
    if let services = try? words("service", "ls", "--quiet"), !services.isEmpty {
      _ = try? docker(["service", "rm"] + services)
    }
    while let containers = try? words("ps", "--all", "--quiet"), !containers.isEmpty {
      _ = try? docker(["rm", "--force"] + containers)
    }
  }

  /// Every task that the swarm has had.
  func tasks() throws(Failure) -> [SwarmTask] {
    let format = "{{.Name}}\t{{.Image}}\t{{.DesiredState}}\t{{.CurrentState}}\t{{.Error}}"
    let text = try docker("node", "ps", "self", "--no-trunc", "--format", format)
    return text.split(separator: "\n").compactMap { SwarmTask($0) }
  }

  /// How each container of a service ended that has.
  func exitCodes(_ service: String) throws(Failure) -> [(task: String, image: String, code: Int)] {
    let filter = "label=com.docker.swarm.service.name=\(service)"
    let containers = try words("ps", "--all", "--quiet", "--filter", filter, "--filter", "status=exited")
    guard !containers.isEmpty else { return [] }
    let text = try docker(["inspect", "--format", "{{.Name}} {{.Config.Image}} {{.State.ExitCode}}"] + containers)
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, let code = Int(words[2]) else { return nil }
      // "/SERVICE.SLOT.ID".
      return (String(words[0].dropFirst()), String(words[1]), code)
    }
  }

  /// Both streams of all tasks of a service.
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

/// A line of `docker node ps`.
struct SwarmTask {
  let service: String
  let slot: Int
  let image: String
  /// What the orchestrator wants, `Shutdown` from the beginning of its stop.
  let isWanted: Bool
  /// `Running`, `Shutdown`, `Failed`.
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
