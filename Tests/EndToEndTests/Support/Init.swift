import Foundation
import TestSupport
import Testing

/// An init: Debian's program, or ebb under its name.
struct Init: Sendable, CustomTestStringConvertible {
  enum Maker: String, CaseIterable { case debian, ebb }

  let name: String
  let maker: Maker

  var testDescription: String { "\(name) (\(maker.rawValue))" }

  /// Returns Debian's program and ebb for each name.
  static func both(_ names: String...) -> [Init] {
    names.flatMap { name in Maker.allCases.map { Init(name: name, maker: $0) } }
  }

  static let names = ["tini", "tini-static", "docker-init", "dumb-init", "catatonit", "podman-init"]

  /// Starts it with PATH and the given variables only.
  func start(
    _ words: [String], _ variables: [String: String] = [:], in place: PIDRole = .subreaper, launch: [String] = []
  ) throws -> Run {
    var setup = LaunchOptions.withTraffic
    setup.environment.merge(variables) { $1 }
    setup.launch = launch
    return try Run.program(command(words), in: place, setup)
  }

  /// Returns its full path and the arguments.
  func command(_ words: [String]) throws -> [String] { [try path()] + words }

  private func path() throws -> String {
    switch maker {
    case .debian:
      // docker-init is tini, and podman-init is catatonit.
      let original = ["docker-init": "tini", "podman-init": "catatonit"][name] ?? name
      guard let path = installedPath(of: original) else { throw Failure("\(original) is not installed") }
      return path
    case .ebb: return try Init.link(name)
    }
  }

  /// Makes a symbolic link to ebb under another name.
  static func link(_ name: String) throws -> String {
    let path = try TestResources.folder() + "/" + name
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: Binaries.ebb())
    return path
  }
}

extension Trait where Self == ConditionTrait {
  /// The test needs Debian's tini, dumb-init and catatonit.
  static var needsOtherInits: Self {
    .needs(
      TestRequirement("tini, dumb-init or catatonit is not installed") {
        ["tini", "tini-static", "dumb-init", "catatonit"].allSatisfy { installedPath(of: $0) != nil }
      })
  }
}
