import Foundation
import TestSupport

/// The default seccomp profile of Docker, Podman and Kubernetes, as Debian's golang-github-containers-common ships it.
///
/// Container engines convert it to the OCI runtime specification for the machine's architecture and the container's
/// capabilities; runc only accepts the result.
enum SeccompProfile {
  static let path = "/usr/share/containers/seccomp.json"

  /// `linux.seccomp` of an OCI configuration, for a container without any capability.
  static func withoutCapabilities() throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    guard let profile = try JSONSerialization.jsonObject(with: data) as? [String: Any],
      let rules = profile["syscalls"] as? [[String: Any]], let map = profile["archMap"] as? [[String: Any]]
    else { throw Failure("\(path) is no seccomp profile") }
    var result: [String: Any] = ["architectures": architectures(map)]
    for key in ["defaultAction", "defaultErrnoRet"] { result[key] = profile[key] }
    result["syscalls"] = rules.filter(applies).map { rule in
      var kept: [String: Any] = [:]
      for key in ["names", "action", "errnoRet"] { kept[key] = rule[key] }
      if let arguments = rule["args"] as? [Any], !arguments.isEmpty { kept["args"] = arguments }
      return kept
    }
    return result
  }

  private static func applies(_ rule: [String: Any]) -> Bool {
    let includes = rule["includes"] as? [String: Any] ?? [:]
    let excludes = rule["excludes"] as? [String: Any] ?? [:]
    // The container has no capability, so a rule that requires one does not apply.
    if let capabilities = includes["caps"] as? [String], !capabilities.isEmpty { return false }
    if let names = includes["arches"] as? [String], !names.contains(where: machine.contains) { return false }
    if let names = excludes["arches"] as? [String], names.contains(where: machine.contains) { return false }
    return true
  }

  private static func architectures(_ map: [[String: Any]]) -> [String] {
    for entry in map where entry["architecture"] as? String == native {
      return [native] + (entry["subArchitectures"] as? [String] ?? [])
    }
    return [native]
  }

  #if arch(arm64)
    private static let native = "SCMP_ARCH_AARCH64"
    private static let machine = ["arm64", "aarch64"]
  #else
    private static let native = "SCMP_ARCH_X86_64"
    private static let machine = ["amd64", "x86_64"]
  #endif
}
