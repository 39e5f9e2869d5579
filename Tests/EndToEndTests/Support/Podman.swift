import Foundation
import TestSupport
import Testing

/// Podman with separate storage, which is removed at the end of the test. It has no daemon.
struct Podman {
  private let folder: String
  private let command: [String]

  init() throws {
    folder = try TestResources.folder()
    command = [
      installed("podman"), "--root", folder + "/root", "--runroot", folder + "/run",
      "--tmpdir", folder + "/tmp", "--runtime=runc", "--cgroup-manager=cgroupfs",
    ]
    // Podman's defaults exceed the hard limits of many machines.
    try "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n"
      .write(toFile: folder + "/containers.conf", atomically: true, encoding: .utf8)
    try TestResources.atEnd { [self] in
      _ = try? run("pod", "rm", "--all", "--force", "--time", "0")
      // conmon starts a process at the container's end that mounts the storage again and lacks the test's mark.
      try? Clock.wait(for: "podman's helpers to end") { !hasHelpers }
      _ = succeeds(["/bin/umount", "--lazy", "--recursive", folder + "/root/overlay"])
    }
  }

  /// Whether a process has this folder in its command line.
  private var hasHelpers: Bool {
    let mark = Data((folder + "/").utf8)
    return Proc.all().contains { pid in
      FileManager.default.contents(atPath: "/proc/\(pid)/cmdline")?.range(of: mark) != nil
    }
  }

  /// Runs `podman WORD...` and returns its output. Throws a `Failure` if the exit code is not 0.
  @discardableResult
  func run(_ words: String...) throws -> String {
    let run = try start(words)
    guard try run.exit() == .code(0) else { throw Failure("\(run)") }
    try run.readToEnd()
    return run.out.text.trimmingCharacters(in: .newlines)
  }

  /// Runs `podman WORD...`, which must fail, and returns its standard error. Throws a `Failure` if the exit code is 0.
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

  /// Makes an image. `files` maps paths in the image to their sources, `changes` are lines of a Dockerfile.
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
