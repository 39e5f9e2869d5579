import Foundation
import Testing

/// Podman with storage of its own, which is removed at the end of the test. It has no daemon.
struct Podman {
  private let folder: String
  private let command: [String]

  init() throws {
    folder = try TestResources.folder()
    command = [
      Machine.path(of: "podman") ?? "podman", "--root", folder + "/root", "--runroot", folder + "/run",
      "--tmpdir", folder + "/tmp", "--runtime=runc", "--cgroup-manager=cgroupfs",
    ]
    // Podman's default is more than the hard limit of many machines.
    try "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n"
      .write(toFile: folder + "/containers.conf", atomically: true, encoding: .utf8)
    try TestResources.atEnd { [self] in
      _ = try? run("pod", "rm", "--all", "--force", "--time", "0")
      // What conmon starts at a container's end mounts the storage again, and has no mark of the test.
      try? Clock.wait(for: "podman's helpers to end") { !hasHelpers }
      _ = Machine.succeeds(["/bin/umount", "--lazy", "--recursive", folder + "/root/overlay"])
    }
  }

  /// Whether a process has this folder in its command line.
  private var hasHelpers: Bool {
    let mark = Data((folder + "/").utf8)
    return Proc.all().contains { pid in
      FileManager.default.contents(atPath: "/proc/\(pid)/cmdline")?.range(of: mark) != nil
    }
  }

  /// `podman WORD...`, and what it printed. Throws a `Failure` where it exits with another code than 0.
  @discardableResult
  func run(_ words: String...) throws -> String {
    let run = try start(words)
    guard try run.exit() == .code(0) else { throw Failure("\(run)") }
    try run.readToEnd()
    return run.out.text.trimmingCharacters(in: .newlines)
  }

  /// What it writes on standard error where it has to fail.
  func refusal(_ words: String...) throws -> String {
    let run = try start(words)
    guard try run.exit() != .code(0) else { throw Failure("\(run)") }
    try run.readToEnd()
    return run.err.text
  }

  private func start(_ words: [String]) throws -> Run {
    let environment = [
      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "CONTAINERS_CONF": folder + "/containers.conf",
    ]
    return try Run.program(command + words, .environment(environment))
  }

  /// An image of files, each with its path there. `changes` are lines of a Dockerfile.
  func makeImage(_ name: String, _ files: [String: String], _ changes: [String]) throws {
    let root = folder + "/image"
    for (path, source) in files {
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: source, toPath: root + path)
    }
    try Run.program(["/bin/tar", "-C", root, "-cf", folder + "/image.tar", "."]).expect(.code(0))
    let words = changes.flatMap { ["--change", $0] }
    let run = try start(["import", "--quiet"] + words + [folder + "/image.tar", name])
    guard try run.exit() == .code(0) else { throw Failure("\(run)") }
  }
}
