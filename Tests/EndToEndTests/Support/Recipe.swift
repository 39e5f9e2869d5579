import Foundation
import TestSupport
import Testing

/// A Dockerfile of the documents: ENTRYPOINT, CMD, ENV, WORKDIR, STOPSIGNAL and the files that it contains. FROM and RUN
/// are not used, because the machine of the test has the software.
struct Recipe {
  let name: String
  /// ENTRYPOINT and CMD together.
  let command: [String]
  private(set) var environment: [String: String] = [:]
  private(set) var folder = "/"
  private(set) var stopSignal = Signal.sigterm
  /// The content of `COPY <<EOF PATH`, by path.
  private(set) var files: [String: String] = [:]
  /// The reason that the Dockerfile gives after `# Not run:`.
  private(set) var reasonNotToRun: String?

  static let directory = Document.root + "Sources/ebb/ebb.docc/Recipes"

  static func all() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".Dockerfile") }
      .map { String($0.dropLast(".Dockerfile".count)) }.sorted()
  }

  init(_ name: String) throws {
    self.name = name
    let text = try String(contentsOfFile: "\(Recipe.directory)/\(name).Dockerfile", encoding: .utf8)
    var words: [String] = []
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    while let line = lines.popFirst() {
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      switch parts[0] {
      case "#" where parts[1].hasPrefix("Not run: "): reasonNotToRun = String(parts[1].dropFirst("Not run: ".count))
      case "ENV":
        let pair = parts[1].split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2 else { throw Failure("\(name): \(line)") }
        environment[pair[0]] = pair[1]
      case "WORKDIR": folder = parts[1]
      case "STOPSIGNAL":
        let signals: [Signal] = [.sigterm, .sigquit, .sigint, .sigusr1, .sigwinch]
        guard let signal = signals.first(where: { "SIG" + $0.description == parts[1] }) else {
          throw Failure("\(name): \(line)")
        }
        stopSignal = signal
      case "ENTRYPOINT", "CMD":
        words += try JSONDecoder().decode([String].self, from: Data(parts[1].utf8))
      case "COPY" where parts[1].contains("<<EOF "):
        let path = String(parts[1].split(separator: " ").last ?? "")
        let content = lines.prefix { $0 != "EOF" }
        lines = lines.dropFirst(content.count + 1)
        files[path] = content.joined(separator: "\n").replacingOccurrences(of: "\\$", with: "$") + "\n"
      default: break
      }
    }
    command = words
  }
}

/// A container of a recipe, with its own PID, mount and network namespaces, on an overlay over this machine's root.
struct RecipeContainer {
  let run: Run
  let supervisor: pid_t

  private static let start = """
    set -e
    cd "$1"; build=$2; folder=$3; shift 3
    mount -t tmpfs tmpfs memory
    mkdir memory/upper memory/work memory/root
    mount -t overlay overlay -o "lowerdir=/,upperdir=$PWD/memory/upper,workdir=$PWD/memory/work" memory/root
    cp -a image/. memory/root/
    mount -t proc proc memory/root/proc
    mount --rbind /dev memory/root/dev
    busybox ip link set lo up
    chroot memory/root /bin/sh -c "$build"
    exec chroot memory/root /usr/bin/env -i -C "$folder" "$@"
    """

  /// - Parameters:
  ///   - recipe: The recipe.
  ///   - files: The content of further files by path. A file that begins with `#!` is executable.
  ///   - build: A shell command that runs in the container before ebb.
  ///   - environment: Further variables, which the recipe's override.
  /// - Throws: A `Failure` if it does not start.
  init(_ recipe: Recipe, files: [String: String], build: String, environment: [String: String]) throws {
    let folder = try TestResources.folder()
    try FileManager.default.createDirectory(atPath: folder + "/memory", withIntermediateDirectories: false)
    for (path, content) in recipe.files.merging(files, uniquingKeysWith: { $1 }) {
      let target = folder + "/image" + path
      try FileManager.default.createDirectory(
        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try content.write(toFile: target, atomically: true, encoding: .utf8)
      let mode = content.hasPrefix("#!") ? 0o755 : 0o644
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: target)
    }
    try spawning.withLock { _ in
      try FileManager.default.copyItem(atPath: Binaries.ebb(), toPath: folder + "/image/ebb")
    }
    let variables = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "EBB_LOG": "json"]
      .merging(environment) { $1 }.merging(recipe.environment) { $1 }
    let namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--net", "--mount-proc"]
    let run = try Run.program(
      [installed("unshare")] + namespaces + ["sh", "-c", Self.start, "sh", folder, build, recipe.folder]
        + variables.map { "\($0.key)=\($0.value)" } + recipe.command)
    self.run = run
    // The process has another root before it executes ebb.
    func first() -> pid_t? { Proc.children(of: run.pid).first { Proc.status(of: $0)["Name"] == "ebb" } }
    try run.wait(for: "process 1") { first() != nil }
    supervisor = try #require(first())
  }

  /// Starts a shell command in the container, by default outside its PID namespace: the kernel kills all processes of the
  /// namespace when PID 1 exits.
  func exec(_ command: String, inPIDNamespace: Bool = false) throws -> Run {
    try Run.program(
      [installed("nsenter"), "-t", "\(supervisor)", "--mount", "--net", "--root", "--wd"]
        + (inPIDNamespace ? ["--pid"] : []) + ["sh", "-c", command])
  }

  func succeeds(_ command: String) throws -> Bool { try exec(command).exit() == .code(0) }

  func send(_ signal: Signal) { kill(supervisor, signal.number) }
}
