import Foundation
import TestSupport
import Testing

/// An OCI container as a hardened cluster runs it: a read-only root file system that contains only ebb and TestApp, an
/// unprivileged user, no capability, no new privileges, the default seccomp profile.
struct Container {
  /// `runc run`, which has the output and the exit code of the container.
  let run: Run
  private let id: String
  private let state: String

  private static let runc = installed("runc")

  /// Starts a container that runs `/ebb OPTION... -- COMMAND...`.
  ///
  /// - Parameters:
  ///   - options: The options of ebb.
  ///   - command: The supervised command; `/TestApp` is the only other program in the container.
  ///   - setup: The environment, except for PATH.
  /// - Throws: A `Failure` if it cannot be started.
  init(_ options: [String], _ command: [String], _ setup: LaunchOptions = LaunchOptions()) throws {
    try self.init(entry: ["/ebb"] + options + ["--"], command, files: [:], mounts: [:], setup)
  }

  /// Starts a container with another entry point. `files` are copied into its root and `mounts` are mounted over it:
  /// each maps a path in the container to its source.
  init(
    entry: [String], _ command: [String], files: [String: String], mounts: [String: String],
    _ setup: LaunchOptions = LaunchOptions()
  ) throws {
    let folder = try TestResources.folder()
    id = "ebb-test-\(getpid())-\(TestResources.nextNumber())"
    state = folder + "/state"
    try Self.writeBundle(folder, entry + command, files: files, mounts: mounts, setup)
    let (state, id) = (state, id)
    try TestResources.atEnd { _ = succeeds([Self.runc, "--root", state, "delete", "--force", id]) }
    run = try Run.program([Self.runc, "--root", state, "run", "--bundle", folder, id])
  }

  /// Sends PID 1 a signal as an engine does, and returns the time before it can have arrived.
  @discardableResult
  func kill(_ signal: Signal) throws -> Duration {
    let moment = Clock.now()
    guard succeeds([Self.runc, "--root", state, "kill", id, signal.description]) else {
      throw Failure("runc kill \(signal)\n\(run)")
    }
    return moment
  }

  /// Starts another process in the container, as `kubectl exec` does.
  func exec(_ command: [String]) throws -> Run {
    try Run.program([Self.runc, "--root", state, "exec", id] + command)
  }

  /// The process id of the container's PID 1 in the PID namespace of the test.
  func supervisor() throws -> pid_t {
    let query = try Run.program([Self.runc, "--root", state, "state", id])
    try query.expect(.code(0))
    guard let pid = try query.out.text.jsonObject()["pid"] as? Int else { throw Failure("runc state\n\(query)") }
    return pid_t(pid)
  }

  // MARK: The bundle

  private static func writeBundle(
    _ folder: String, _ arguments: [String], files added: [String: String] = [:], mounts: [String: String] = [:],
    _ setup: LaunchOptions = LaunchOptions()
  ) throws {
    let root = folder + "/rootfs"
    let files = FileManager.default
    try files.createDirectory(atPath: root, withIntermediateDirectories: false)
    try spawning.withLock { _ in
      try files.copyItem(atPath: Binaries.ebb(), toPath: root + "/ebb")
      try files.copyItem(atPath: Binaries.testApp, toPath: root + "/TestApp")
      for (path, source) in added {
        let target = root + path
        try files.createDirectory(
          atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try files.copyItem(atPath: source, toPath: target)
      }
    }
    let text = try JSONSerialization.data(withJSONObject: configuration(arguments, mounts, setup))
    try text.write(to: URL(fileURLWithPath: folder + "/config.json"))
  }

  private static func configuration(
    _ arguments: [String], _ mounts: [String: String], _ setup: LaunchOptions
  ) throws -> [String: Any] {
    let none: [String] = []
    let binds: [[String: Any]] = mounts.map {
      ["destination": $0.key, "type": "bind", "source": $0.value, "options": ["rbind", "ro"]]
    }
    let environment = setup.environment.merging(["PATH": "/"]) { $1 }
    return [
      "ociVersion": "1.0.2",
      "root": ["path": "rootfs", "readonly": true],
      "process": [
        "args": arguments, "cwd": "/", "env": environment.map { "\($0.key)=\($0.value)" },
        "noNewPrivileges": true,
        "user": ["uid": 65534, "gid": 65534],
        "capabilities": ["bounding": none, "effective": none, "permitted": none, "ambient": none],
      ] as [String: Any],
      "mounts": [
        ["destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]],
        ["destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]],
      ] as [[String: Any]] + binds,
      "linux": [
        // The host's network, so that a test can reach a server in the container.
        "namespaces": ["pid", "mount", "ipc", "uts"].map { ["type": $0] },
        "seccomp": try SeccompProfile.withoutCapabilities(),
      ] as [String: Any],
    ]
  }

  /// Whether a trivial container runs on this machine.
  static let works: Bool = {
    let folder = NSTemporaryDirectory() + "ebb-test-\(getpid())-trial"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      try writeBundle(folder, ["/TestApp", "exit", "0"])
    } catch {
      return false
    }
    return succeeds([
      runc, "--root", folder + "/state", "run", "--bundle", folder, "ebb-test-\(getpid())-trial",
    ])
  }()
}
