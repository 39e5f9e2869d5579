import Foundation
import Testing

/// A Docker engine for one suite: dockerd of Debian's docker.io, without a bridge and without rules for a firewall. Its containers
/// share the machine's network. Its `--init-path` is ebb.
final class DockerEngine: @unchecked Sendable {
  @TaskLocal fileprivate static var current: DockerEngine?

  private let folder: String
  private let socket: String
  private let daemon: pid_t

  /// That of the suite.
  static func shared() throws -> DockerEngine {
    guard let current else { throw Failure("the suite lacks the trait .withDocker") }
    return current
  }

  fileprivate init() throws {
    folder = NSTemporaryDirectory() + "ebb-docker-\(getpid())"
    socket = "unix://\(folder)/sock"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    // Where docker-init is not searched for in PATH.
    try FileManager.default.copyItem(atPath: Binaries.ebb(), toPath: folder + "/ebb")
    let log = open(folder + "/log", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer {
      close(log)
      close(nothing)
    }
    daemon = try spawn(
      [
        Machine.path(of: "dockerd") ?? "", "--data-root", folder + "/data", "--exec-root", folder + "/exec",
        "--pidfile",
        folder + "/pid", "-H", socket, "--iptables=false", "--ip6tables=false", "--bridge=none",
        "--storage-driver=overlay2", "--init-path", folder + "/ebb",
      ], environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      streams: [nothing, log, log])
    do {
      try Clock.wait(for: "dockerd") {
        var status: Int32 = 0
        if waitpid(daemon, &status, WNOHANG) == daemon { throw Failure("dockerd ended:\n\(daemonLog)") }
        return FileManager.default.fileExists(atPath: folder + "/sock")
          && Machine.succeeds([client, "-H", socket, "version"])
      }
    } catch {
      stop()
      throw error
    }
  }

  private var client: String { Machine.path(of: "docker") ?? "docker" }
  private var daemonLog: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

  /// SIGTERM ends the containers too. The engine leaves its mounts behind: those of networks, for one.
  fileprivate func stop() {
    var status: Int32 = 0
    kill(daemon, SIGTERM)
    while waitpid(daemon, &status, 0) < 0 && errno == EINTR { continue }
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    for line in mounts.split(separator: "\n").reversed() {
      let path = String(line.split(separator: " ")[1])
      if path.hasPrefix(folder + "/") { umount2(path, Int32(MNT_DETACH)) }
    }
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Commands

  /// `docker WORD...`, and what it printed. Throws a `Failure` where it exits with another code than 0.
  @discardableResult
  func docker(_ words: String...) throws -> String { try run([client, "-H", socket] + words) }

  /// `docker-compose WORD...` in a folder.
  @discardableResult
  func compose(in folder: String, _ words: String...) throws -> String {
    try run(
      ["/bin/sh", "-c", "cd \"$0\" && exec docker-compose \"$@\"", folder] + words, ["DOCKER_HOST": socket])
  }

  private func run(_ words: [String], _ variables: [String: String] = [:]) throws -> String {
    var environment = variables
    environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    environment["HOME"] = folder
    // Debian's engine has no buildx.
    environment["DOCKER_BUILDKIT"] = "0"
    let run = try Run.program(words, .environment(environment))
    guard try run.exit() == .code(0) else { throw Failure("\(run)") }
    try run.readToEnd()
    return run.out.text.trimmingCharacters(in: .newlines)
  }

  /// An image of some files, each with its path there, and of more lines of a Dockerfile.
  func makeImage(_ name: String, _ files: [String: String], _ lines: [String] = []) throws {
    let context = try TestResources.folder()
    for (path, source) in files {
      let target = context + "/root" + path
      try FileManager.default.createDirectory(
        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: source, toPath: target)
    }
    let dockerfile = (["FROM scratch", "COPY root /"] + lines).joined(separator: "\n") + "\n"
    try dockerfile.write(toFile: context + "/Dockerfile", atomically: true, encoding: .utf8)
    try docker("build", "--quiet", "--network", "none", "--tag", name, context)
  }

  /// Starts a container in the machine's network, which is removed at the end of the test, and returns its id.
  func start(_ words: [String]) throws -> String {
    let id = try run([client, "-H", socket, "run", "--detach", "--network", "host"] + words)
    try TestResources.atEnd { [client, socket] in _ = Machine.succeeds([client, "-H", socket, "rm", "--force", id]) }
    return id
  }

  /// A value of `docker inspect`.
  func inspect(_ container: String, _ format: String) throws -> String {
    try docker("inspect", "--format", format, container)
  }

  /// The lines of its output, standard error's behind the others.
  func log(_ container: String) throws -> [String] {
    let run = try Run.program([client, "-H", socket, "logs", container])
    try run.expect(.code(0))
    try run.readToEnd()
    return run.out.lines + run.err.lines
  }

  /// The lines of JSON in its output.
  func records(_ container: String) throws -> [[String: Any]] {
    try log(container).compactMap { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any] }
  }
}

/// Starts an engine before the suite, and ends it after it.
struct WithDocker: SuiteTrait, TestScoping {
  var isRecursive: Bool { false }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let engine = try DockerEngine()
    defer { engine.stop() }
    try await DockerEngine.$current.withValue(engine) { try await function() }
  }
}

extension Trait where Self == WithDocker {
  /// The tests use `DockerEngine.shared()`.
  static var withDocker: WithDocker { WithDocker() }
}
