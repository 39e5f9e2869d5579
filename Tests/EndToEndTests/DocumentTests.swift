import Foundation
import Testing

/// Properties that every document of the project has.
@Suite(.endsItsProcesses) struct DocumentTests {
  @Test func `every Markdown file of the project is among the documents that are tested`() throws {
    let files =
      try FileManager.default.subpathsOfDirectory(atPath: Document.root + "Sources")
      .map { "Sources/" + $0 }
      + FileManager.default.subpathsOfDirectory(atPath: Document.root + "Tests").map { "Tests/" + $0 }
    let found = files.filter { $0.hasSuffix(".md") } + ["README.md"]
    #expect(Set(found) == Set(Document.all.map { $0.path }))
    #expect(Document.all.allSatisfy { !$0.text.isEmpty })
  }

  @Test(arguments: Document.all) func `every link of a document leads to a file and a heading that exist`(
    document: Document
  ) throws {
    for match in document.text.matches(of: /\]\(([^)\s]+)\)/) where !match.1.hasPrefix("http") {
      let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let folder = (document.path as NSString).deletingLastPathComponent
      let path = parts[0].isEmpty ? document.path : (folder + "/" + parts[0] as NSString).standardizingPath
      let relative = path.hasPrefix("/") ? String(path.dropFirst()) : path
      #expect(FileManager.default.fileExists(atPath: Document.root + relative), "\(match.0)")
      guard parts.count == 2 else { continue }
      let target = Document.all.first { $0.path == relative }
      #expect(target?.anchors.contains(String(parts[1])) == true, "\(match.0)")
    }
  }

  @Test(.needs(.program("python3")), arguments: Document.all.filter { $0.text.contains("\n```yaml\n") })
  func `every YAML block of a document can be parsed`(document: Document) throws {
    for block in document.text.components(separatedBy: "\n```yaml\n").dropFirst() {
      let yaml = block.components(separatedBy: "\n```")[0]
      let script = "import sys, yaml; assert isinstance(yaml.safe_load(sys.argv[1]), dict)"
      try Run.program([installed("python3"), "-c", script, yaml]).expect(.code(0))
    }
  }

  /// Uses the schema that Kubernetes publishes, from the package kubernetes-validate. A partial manifest is completed
  /// to a Pod.
  @Test(.needs(.kubernetesSchema), arguments: Document.all.filter { $0.text.contains("\n```yaml\n") })
  func `every Kubernetes manifest of a document is valid, without unknown keys`(document: Document) throws {
    let script = """
      import sys, yaml, kubernetes_validate
      part = yaml.safe_load(sys.argv[1])
      if "services" in part or "shutdown" in part: sys.exit()
      if "spec" not in part: part = {"spec": {"containers": [{"name": "app"} | part]}}
      whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}} | part
      kubernetes_validate.validate(whole, "1.33", strict=True)
      """
    for block in document.text.components(separatedBy: "\n```yaml\n").dropFirst() {
      let yaml = block.components(separatedBy: "\n```")[0]
      try Run.program([installed("python3"), "-c", script, yaml]).expect(.code(0))
    }
  }
}
