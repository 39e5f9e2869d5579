import Foundation
import TestSupport
import Testing

/// A Docker engine for one suite: dockerd of Debian's docker.io, without a bridge and firewall rules. Its containers
/// use the host's network. Its `--init-path` is ebb.
final class DockerEngine: @unchecked Sendable {
  @TaskLocal fileprivate static var current: DockerEngine?

  private let folder: String
  private let socket: String
  private let daemon: pid_t

  /// The engine of the current suite.
  static func shared() throws -> DockerEngine {
    guard let current else { throw Failure("the suite lacks the trait .withDocker") }
    return current
  }

  fileprivate init() throws {
    folder = NSTemporaryDirectory() + "ebb-docker-\(getpid())"
    socket = "unix://\(folder)/sock"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    // Copied, because dockerd does not search PATH for its init.
    try FileManager.default.copyItem(atPath: Binaries.ebb(), toPath: folder + "/ebb")
    let log = open(folder + "/log", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
    defer { close(log) }
    let words = [
      installed("dockerd"), "--data-root", folder + "/data", "--exec-root", folder + "/exec", "--pidfile",
      folder + "/pid", "-H", socket, "--iptables=false", "--ip6tables=false", "--bridge=none",
      "--storage-driver=overlay2", "--init-path", folder + "/ebb",
    ]
    let launch = Launch(
      bytes: words.map { Array($0.utf8) }, output: log, error: log,
      environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
    daemon = try launch.start()
    do {
      try Clock.wait(for: "dockerd") {
        if Exit(reaping: daemon) != nil { throw Failure("dockerd ended:\n\(daemonLog)") }
        return FileManager.default.fileExists(atPath: folder + "/sock")
          && succeeds([client, "-H", socket, "version"])
      }
    } catch {
      stop()
      throw error
    }
  }

  private var client: String { installed("docker") }
  private var daemonLog: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

  /// SIGTERM also ends the containers. The engine leaves mounts behind, for example those of networks.
  fileprivate func stop() {
    kill(daemon, SIGTERM)
    _ = Exit(waitingFor: daemon)
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    for line in mounts.split(separator: "\n").reversed() {
      let path = String(line.split(separator: " ")[1])
      if path.hasPrefix(folder + "/") { umount2(path, Int32(MNT_DETACH)) }
    }
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Commands

  /// Runs `docker WORD...` and returns its output. Throws a `Failure` if the exit code is not 0.
  @discardableResult
  func docker(_ words: String...) throws -> String { try run([client, "-H", socket] + words) }

  /// Runs `docker-compose WORD...` in a folder and returns its output. Throws a `Failure` if the exit code is not 0.
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

  /// Builds an image. `files` maps paths in the image to their sources, `lines` are further lines of its Dockerfile.
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

  /// Starts a container in the host's network and returns its id. It is removed at the end of the test.
  func start(_ words: [String]) throws -> String {
    let id = try run([client, "-H", socket, "run", "--detach", "--network", "host"] + words)
    try TestResources.atEnd { [client, socket] in _ = succeeds([client, "-H", socket, "rm", "--force", id]) }
    return id
  }

  /// Returns a value of `docker inspect`.
  func inspect(_ container: String, _ format: String) throws -> String {
    try docker("inspect", "--format", format, container)
  }

  /// The lines of the container's standard output, followed by those of standard error.
  func log(_ container: String) throws -> [String] {
    let run = try Run.program([client, "-H", socket, "logs", container])
    try run.expect(.code(0))
    try run.readToEnd()
    return run.out.lines + run.err.lines
  }

  /// The JSON objects in the container's output.
  func records(_ container: String) throws -> [[String: Any]] {
    try log(container).compactMap { try? $0.jsonObject() }
  }
}

/// Starts an engine before the suite and ends it after the suite.
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
