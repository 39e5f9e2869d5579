import Foundation

/// Where the programs under test are, and whether they are what the sources say.
enum Binaries {
  /// The release binary of ebb, or the one that `EBB_BINARY` names.
  ///
  /// A missing or stale binary is an error and never a skip: a test that passes against yesterday's program proves
  /// nothing.
  static func ebb() throws -> String { try found.get() }

  /// ebb as ordinary Swift, which `swift run ebb` starts; built beside the test bundle.
  static let debugEbb = products + "/ebb"

  /// The static talkative command; SwiftPM builds it beside the test bundle.
  static let testApp = products + "/TestApp"

  /// Dispatch's manager queue, served in two ways.
  static let manager = products + "/Manager"

  /// The experiment of a whole rolling update, and the table of faults, built likewise.
  static let rollingUpdate = products + "/RollingUpdate"
  static let faultInjection = products + "/FaultInjection"

  /// What the drain makes of recorded connections, built likewise.
  static let drainReplay = products + "/DrainReplay"

  /// ebb beside other inits, built likewise.
  static let benchmarks = products + "/Benchmarks"

  private static let found = Result { try find() }

  /// The folder that holds the test bundle: `<scratch>/<triple>/debug`.
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

  /// A source that has changed since it was last compiled for release, if there is one.
  ///
  /// The age of the binary itself will not do: the build does not link again where an edited comment has changed no
  /// object file. Each target's dependency file, and the build description for Package.swift, are written every time.
  private static func staleSource(release: String) throws -> String? {
    var pairs = [(source: package + "/Package.swift", built: release + "/description.json")]
    for target in try FileManager.default.contentsOfDirectory(atPath: package + "/Sources") where target.first != "." {
      pairs.append((package + "/Sources/" + target, release + "/" + target + ".build"))
    }
    return pairs.first { newest(in: $0.source) > newest(in: $0.built) }?.source
  }

  private static func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// When the newest file in or below `path` was written. Articles and linker scripts are not compiled.
  private static func newest(in path: String) -> Date {
    let files = FileManager.default
    let below = files.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    let compiled = below.filter { !$0.hasPrefix("ebb.docc/") && !$0.hasSuffix(".ld") }
    let dates = (compiled.map { path + "/" + $0 } + [path]).compactMap { file -> Date? in
      guard let attributes = try? files.attributesOfItem(atPath: file) else { return nil }
      // A folder's date changes with every temporary file of an editor.
      guard attributes[.type] as? FileAttributeType == .typeRegular else { return nil }
      return attributes[.modificationDate] as? Date
    }
    return dates.max() ?? .distantPast
  }
}
