import Foundation
import TestSupport
import Testing

/// The statements of the documents about Docker, with a real engine.
@Suite(
  .endsItsProcesses, .mostlyWaits, .needs(.root), .needs(.program("dockerd")), .needs(.program("docker")), .withDocker)
struct DockerTests {
  private let files = FileManager.default

  /// Builds an image of ebb and TestApp.
  private func image(_ changes: [String] = []) throws -> String {
    let name = "app-\(TestResources.nextNumber())"
    try DockerEngine.shared().makeImage(
      name, ["/ebb": Binaries.ebb(), "/TestApp": Binaries.testApp],
      ["ENTRYPOINT [\"/ebb\", \"--\"]", "CMD [\"/TestApp\", \"signals\"]"] + changes)
    return name
  }

  private func awaitAnswer(_ port: Int) throws {
    try Clock.wait(for: "an answer on port \(port)") { try curl(port) }
  }

  private func curl(_ port: Int) throws -> Bool {
    let words = ["-q", "-s", "-f", "-o", "/dev/null", "--max-time", "10", "http://127.0.0.1:\(port)/"]
    return try Run.program([installed("curl")] + words).exit() == .code(0)
  }

  private func report(_ container: String) throws -> [String: Any] {
    try #require(try DockerEngine.shared().records(container).last { $0["event"] as? String == "exited" })
  }

  @Test(arguments: [[], ["--env", "EBB_DELAY=2s"]])
  func `docker run --init starts ebb as docker-init and EBB_DELAY activates it`(variables: [String]) throws {
    let engine = try DockerEngine.shared()
    let container = try engine.start(
      ["--init"] + variables + ["--env", "EBB_LOG=json", "--entrypoint", "/TestApp", try image(), "signals"])
    try Clock.wait(for: "the command") { try engine.log(container).contains { $0.hasPrefix("ready") } }
    #expect(try engine.docker("exec", container, "/sbin/docker-init", "status").contains(", pid 1: serving"))
    try engine.docker("stop", container)
    #expect(try engine.inspect(container, "{{.State.ExitCode}}") == "0")
    let records = try engine.records(container)
    #expect(records.isEmpty == variables.isEmpty, "\(records)")
    if !variables.isEmpty { #expect(try report(container)["delay_ended_by"] as? String == "time", "\(records)") }
  }

  @Test(arguments: [[], ["--env", "EBB_DELAY=2s"]])
  func `ebb mounted over an image's tini acts as tini and EBB_DELAY activates it`(variables: [String]) throws {
    let engine = try DockerEngine.shared()
    let name = "tini-\(TestResources.nextNumber())"
    try engine.makeImage(
      name, ["/usr/bin/tini": installed("tini-static"), "/TestApp": Binaries.testApp],
      ["ENTRYPOINT [\"/usr/bin/tini\", \"--\"]", "CMD [\"/TestApp\", \"signals\"]"])
    let container = try engine.start(
      ["--env", "EBB_LOG=json", "--volume", "\(Binaries.ebb()):/usr/bin/tini:ro"] + variables + [name])
    try Clock.wait(for: "the command") { try engine.log(container).contains { $0.hasPrefix("ready") } }
    try engine.docker("stop", container)
    #expect(try engine.inspect(container, "{{.State.ExitCode}}") == "0")
    let records = try engine.records(container)
    #expect(records.isEmpty == variables.isEmpty, "\(records)")
    if !variables.isEmpty { #expect(try report(container)["delay_ended_by"] as? String == "time", "\(records)") }
  }

  /// The tests cannot download the base images. They build them from busybox, with `swift` and `go` scripts that copy
  /// existing binaries.
  @Test(.needs(.program("busybox")))
  func `the image of Dockerfile.example builds, becomes healthy, answers docker exec and drains`() throws {
    let engine = try DockerEngine.shared()
    let port = try Client.freePort()
    let folder = try TestResources.folder()
    let scripts = [
      "swift": "#!/bin/sh\nmkdir -p .build/release && cp /prebuilt .build/release/ebb\n",
      "go": "#!/bin/sh\ncp /prebuilt /app\n",
    ]
    for (name, base, built) in [("swift", "swift:6.3", try Binaries.ebb()), ("go", "golang:1.24", Binaries.testApp)] {
      try scripts[name]?.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
      try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/" + name)
      let busybox = installed("busybox")
      var tree = ["/bin/" + name: folder + "/" + name, "/prebuilt": built]
      for tool in ["sh", "cp", "mkdir", "printf", "sha256sum"] { tree["/bin/" + tool] = busybox }
      try engine.makeImage(base, tree, ["ENV PATH=/bin"])
    }
    let context = try TestResources.folder()
    let example = try String(contentsOfFile: Document.root + "Dockerfile.example", encoding: .utf8)
    try example.replacing("8080", with: "\(port)").replacing("--interval=5s", with: "--interval=1s")
      .replacing("CMD [\"/app\"]", with: "CMD [\"/app\", \"serve\", \"\(port)\"]")
      .write(toFile: context + "/Dockerfile", atomically: true, encoding: .utf8)
    for folder in ["Sources", "Tests"] {
      try files.createDirectory(atPath: context + "/" + folder, withIntermediateDirectories: false)
      try "".write(toFile: context + "/\(folder)/file", atomically: true, encoding: .utf8)
    }
    try "".write(toFile: context + "/Package.swift", atomically: true, encoding: .utf8)
    let build = try engine.docker("build", "--network", "none", "--tag", "app", context)
    let digest = try engine.docker(
      "run", "--rm", "--network", "none", "--entrypoint", "/bin/sha256sum", "swift:6.3", "/prebuilt")
    #expect(build.contains(digest.split(separator: " ")[0]), "\(build)")
    try engine.docker("build", "--network", "none", "--target", "ebb", "--tag", "ebb", context)
    #expect(
      try engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/ebb", "ebb", "--version").hasPrefix(
        "ebb "))

    let container = try engine.start(["--stop-timeout", "30", "--env", "EBB_LOG=json", "app"])
    try Clock.wait(for: "a healthy container") {
      try engine.inspect(container, "{{.State.Health.Status}}") == "healthy"
    }
    #expect(try engine.docker("exec", container, "/ebb", "status").contains(", pid 1: serving"))
    try engine.docker("stop", container)
    #expect(try engine.inspect(container, "{{.State.ExitCode}}") == "0")
    let report = try report(container)
    #expect(report["delay_ended_by"] as? String == "time", "\(report)")
    #expect(report["drain_ended_by"] as? String == "quiet", "\(report)")
  }

  @Test(arguments: [
    (seconds: "10", variables: [], delay: 1666),
    (seconds: "30", variables: ["--env", "EBB_TERMINATION_GRACE_PERIOD=30s"], delay: 5000),
  ])
  func `an app under steady traffic exits with its own code before docker stop kills it`(
    seconds: String, variables: [String], delay: Int
  ) throws {
    let engine = try DockerEngine.shared()
    let port = try Client.freePort()
    let container = try engine.start(
      ["--env", "EBB_LOG=json"] + variables + [try image(), "/TestApp", "serve", "\(port)"])
    try awaitAnswer(port)
    let url = "http://127.0.0.1:\(port)/"
    let client = try Run.program(
      ["/bin/sh", "-c", "while curl -q -s -f -o /dev/null \"$0\"; do echo answered; done", url])
    try client.line("answered")
    try engine.docker("stop", "--time", seconds, container)
    #expect(try engine.inspect(container, "{{.State.ExitCode}}") == "0")
    let report = try report(container)
    #expect(report["killed"] as? Bool == false, "\(report)")
    #expect((report["delay_ms"] as? Int).map { $0 >= delay && $0 < delay + 1500 } == true, "\(report)")
    #expect(report["drain_ended_by"] as? String == "bound", "\(report)")
    // The client exits at its first failed request, which comes after the listening socket is closed.
    _ = try client.exit()
    let afterStop = try #require(report["connections_after_stop"] as? Int)
    #expect(afterStop > 0, "\(report)")
  }

  @Test(.needs(.program("nginx")))
  func `an nginx image with STOPSIGNAL SIGQUIT drains with default options`() throws {
    let engine = try DockerEngine.shared()
    let port = try Client.freePort()
    let folder = try TestResources.folder()
    try """
    user root; daemon off; pid /pid; error_log stderr crit;
    events { }
    http { access_log off; server { listen 127.0.0.1:\(port); location / { return 200; } } }

    """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
    try "root:x:0:0::/:/\n".write(toFile: folder + "/passwd", atomically: true, encoding: .utf8)
    try "root:x:0:\n".write(toFile: folder + "/group", atomically: true, encoding: .utf8)
    var tree = [
      "/ebb": try Binaries.ebb(), "/usr/sbin/nginx": installed("nginx"),
      "/nginx.conf": folder + "/nginx.conf",
      "/etc/passwd": folder + "/passwd", "/etc/group": folder + "/group",
      "/var/lib/nginx/keep": folder + "/group", "/var/log/nginx/keep": folder + "/group",
    ]
    let libraries = try Run.program(["/usr/bin/ldd", installed("nginx")])
    try libraries.expect(.code(0))
    for word in libraries.out.text.split(whereSeparator: \.isWhitespace) where word.hasPrefix("/") {
      tree[String(word)] = URL(fileURLWithPath: String(word)).resolvingSymlinksInPath().path
    }
    try engine.makeImage(
      "nginx", tree,
      [
        "STOPSIGNAL SIGQUIT", "ENTRYPOINT [\"/ebb\", \"--\"]",
        "CMD [\"/usr/sbin/nginx\", \"-e\", \"stderr\", \"-c\", \"/nginx.conf\"]",
      ])
    let container = try engine.start(["--env", "EBB_LOG=json", "nginx"])
    try awaitAnswer(port)
    try engine.docker("stop", container)
    let stop = try #require(try engine.records(container).first { $0["event"] as? String == "stop-signal" })
    #expect(stop["signal"] as? String == "QUIT" && stop["recognised"] as? String == "nginx", "\(stop)")
    let report = try report(container)
    #expect(report["delay_ended_by"] as? String == "time" && report["code"] as? Int == 0, "\(report)")
  }

  @Test(.needs(.program("docker-compose")))
  func `docker-compose stop drains the service of the recipes' Compose file`() throws {
    let engine = try DockerEngine.shared()
    let (name, folder, port) = (try image(), try TestResources.folder(), try Client.freePort())
    let recipes = try #require(Document.all.first { $0.path.hasSuffix("/Recipes.md") })
    let block = try #require(
      recipes.text.components(separatedBy: "\n```yaml\n").first { $0.hasPrefix("services:") }?
        .components(separatedBy: "\n```").first)
    // Debian's docker-compose requires a version. Image and port are the test's.
    let extra = "\n    network_mode: host\n    command: [/TestApp, serve, \"\(port)\"]\n"
    try ("version: \"3.8\"\n" + block.replacing("registry.example/app:1", with: name) + extra)
      .write(toFile: folder + "/docker-compose.yml", atomically: true, encoding: .utf8)
    try engine.compose(in: folder, "up", "--detach")
    try TestResources.atEnd { _ = try? engine.compose(in: folder, "down", "--timeout", "1") }
    try awaitAnswer(port)
    let container = try engine.compose(in: folder, "ps", "--quiet")
    try engine.compose(in: folder, "stop")
    #expect(try engine.inspect(container, "{{.State.ExitCode}}") == "0")
    #expect(try engine.inspect(container, "{{.Config.StopTimeout}}") == "20")
    let report = try engine.log(container).last ?? ""
    #expect(report.contains(" event=exited code=0 ") && report.contains(" delay_ms=50"), "\(report)")
  }
}
