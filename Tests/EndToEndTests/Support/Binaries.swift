import Foundation
import TestSupport

/// The paths of the programs under test, and a check that they are up to date.
enum Binaries {
  /// The release binary of ebb, or the one that `EBB_BINARY` names.
  ///
  /// A missing or stale binary is an error and never a skip, because a test that passes with an old program proves
  /// nothing.
  static func ebb() throws -> String { try found.get() }

  /// The debug build of ebb, which `swift run ebb` starts. It is built beside the test bundle.
  static let debugEbb = products + "/ebb"

  /// The static command that the tests supervise.
  static let testApp = products + "/TestApp"

  /// The program that serves Dispatch's manager queue in both ways.
  static let manager = products + "/Manager"

  /// The rolling update experiment.
  static let rollingUpdate = products + "/RollingUpdate"
  static let faultInjection = products + "/FaultInjection"

  /// The drain's decisions about recorded connections.
  static let drainReplay = products + "/DrainReplay"

  /// The comparison of ebb with other inits.
  static let benchmarks = products + "/Benchmarks"

  private static let found = Result { try find() }

  /// The folder of the test bundle: `<scratch>/<triple>/debug`.
  private static let products: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
  }()

  private static let package = (#filePath as NSString).deletingLastPathComponent + "/../../.."

  private static func find() throws -> String {
    guard isExecutable(testApp) else { throw Failure("no TestApp at \(testApp): swift build") }
    if let override = ProcessInfo.processInfo.environment["EBB_BINARY"] {
      guard isExecutable(override) else { throw Failure("EBB_BINARY: \(override) is not an executable file") }
      return override
    }
    let release = (products as NSString).deletingLastPathComponent + "/release"
    let cure = "swift build -c release --product ebb"
    guard isExecutable(release + "/ebb") else { throw Failure("no release binary at \(release)/ebb: \(cure)") }
    if let source = try staleSource(release: release) {
      throw Failure("\(release)/ebb is older than \(source): \(cure)")
    }
    return release + "/ebb"
  }

  /// Returns a source that has changed since it was last compiled for release, or `nil`.
  ///
  /// The age of the binary itself is not usable: the build does not link again if an edited comment has changed no
  /// object file. It writes each target's dependency file, and the build description of Package.swift, every time.
  private static func staleSource(release: String) throws -> String? {
    var pairs = [(source: package + "/Package.swift", built: release + "/description.json")]
    for target in try FileManager.default.contentsOfDirectory(atPath: package + "/Sources") where target.first != "." {
      pairs.append((package + "/Sources/" + target, release + "/" + target + ".build"))
    }
    return pairs.first { newest(in: $0.source) > newest(in: $0.built) }?.source
  }

  private static func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// Returns the modification date of the newest file in or below `path`. Articles and linker scripts are not compiled.
  private static func newest(in path: String) -> Date {
    let files = FileManager.default
    let below = files.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    let compiled = below.filter { !$0.hasPrefix("ebb.docc/") && !$0.hasSuffix(".ld") }
    let dates = (compiled.map { path + "/" + $0 } + [path]).compactMap { file -> Date? in
      guard let attributes = try? files.attributesOfItem(atPath: file) else { return nil }
      // Temporary files of an editor change the date of a folder.
      guard attributes[.type] as? FileAttributeType == .typeRegular else { return nil }
      return attributes[.modificationDate] as? Date
    }
    return dates.max() ?? .distantPast
  }
}
