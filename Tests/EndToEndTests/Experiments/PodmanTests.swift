import Foundation
import TestSupport
import Testing

/// The Deployment of the recipes under `podman kube play`.
@Suite(
  .endsItsProcesses, .mostlyWaits, .needs(.pidNamespace), .needs(.program("podman")), .needs(.program("catatonit")),
  .needs(.program("runc")), .needs(.program("curl")))
struct PodmanTests {
  private let podman: Podman
  private let folder: String
  private let port: Int
  private let health: Int
  private let deployment: String
  private var file: String { folder + "/deployment.yaml" }
  private var log: String { folder + "/log" }

  init() throws {
    (podman, folder) = (try Podman(), try TestResources.folder())
    (port, health) = (try Client.freePort(), try Client.freePort())
    try podman.makeImage(
      "registry.example/app:1", ["/ebb": try Binaries.ebb(), "/TestApp": Binaries.testApp],
      ["ENTRYPOINT [\"/ebb\", \"--\"]", "CMD [\"/TestApp\", \"serve\", \"\(port)\"]"])
    let recipes = try #require(Document.all.first { $0.path.hasSuffix("/Recipes.md") })
    deployment = try #require(
      recipes.text.components(separatedBy: "\n```yaml\n").first {
        $0.hasPrefix("apiVersion: apps/v1\nkind: Deployment")
      }?
      .components(separatedBy: "\n```").first
    ).replacing("8080", with: "\(port)").replacing("8086", with: "\(health)")
  }

  /// One replica, because replicas would share the host's network.
  private func play() throws {
    let ports = "          ports: [{ containerPort: \(port) }]\n"
    #expect(deployment.contains(ports))
    try deployment.replacing(ports, with: "").replacing("replicas: 3", with: "replicas: 1")
      .write(toFile: file, atomically: true, encoding: .utf8)
    try podman.run("kube", "play", "--network", "host", "--log-opt", "path=\(log)", file)
    _ = try Client("http://127.0.0.1:\(health)/readyz")
  }

  private func hasReport() throws -> Bool {
    try String(contentsOfFile: log, encoding: .utf8).contains(" event=exited ")
  }

  @Test func `podman stop drains a pod of the recipes' Deployment that is ready by ebb's health endpoint`() throws {
    try play()
    let url = "http://127.0.0.1:\(port)/"
    let client = try Run.program(
      ["/bin/sh", "-c", "while curl -q -s -f -o /dev/null \"$0\"; do echo answered; done", url])
    try client.line("answered")
    try podman.run("stop", "--time", "40", "app-pod-0-app")
    #expect(try podman.run("inspect", "--format", "{{.State.ExitCode}}", "app-pod-0-app") == "0")
    _ = try client.exit()
    let report = try #require(
      try String(contentsOfFile: log, encoding: .utf8).components(separatedBy: "\n")
        .first { $0.contains(" event=exited ") })
    #expect(report.contains(" code=0 ") && report.contains(" delay_ms=10"), "\(report)")
  }

  @Test func `podman kube play ignores readiness probe and grace period, and kube down kills immediately`() throws {
    try play()
    let values = try podman.run(
      "inspect", "--format", "{{.Config.Healthcheck}} {{.Config.StopTimeout}}", "app-pod-0-app")
    #expect(values == "<nil> 10")
    try podman.run("kube", "down", file)
    #expect(try !hasReport())
  }

  @Test func `podman kube play refuses the Deployment's ports in the host network`() throws {
    try deployment.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try podman.refusal("kube", "play", "--network", "host", file).contains("PortMappings can only be used"))
  }
}
