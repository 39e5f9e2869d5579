import Foundation
import Synchronization
import Testing

/// The processes of the test that is running, so that its end can end them.
final class TestResources: @unchecked Sendable {
  @TaskLocal fileprivate static var current: TestResources?
  private static let counter = Atomic<Int>(0)
  // Used by one test, which is one task, alone.
  fileprivate var started: [Run] = []
  fileprivate var folders: [String] = []
  fileprivate var lastActions: [() -> Void] = []

  /// A number that no other run of this process has.
  static func nextNumber() -> Int { counter.add(1, ordering: .relaxed).newValue }

  static func add(_ run: Run) throws {
    guard let current else { throw Failure("the suite lacks the trait .endsItsProcesses") }
    current.started.append(run)
  }

  /// Does this at the end of the test, before anything else is ended.
  static func atEnd(_ action: @escaping () -> Void) throws {
    guard let current else { throw Failure("the suite lacks the trait .endsItsProcesses") }
    current.lastActions.append(action)
  }

  /// A new folder, which everybody may read, removed at the end of the test.
  static func folder() throws -> String {
    guard let current else { throw Failure("the suite lacks the trait .endsItsProcesses") }
    let path = NSTemporaryDirectory() + "ebb-test-\(getpid())-\(nextNumber())"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    current.folders.append(path)
    return path
  }
}

/// Ends every process that a test has started and removes its folders, also when it fails.
struct EndsItsProcesses: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let runs = TestResources()
    defer {
      for action in runs.lastActions { action() }
      do { try Run.end(runs.started) } catch { Issue.record(error) }
      for folder in runs.folders { try? FileManager.default.removeItem(atPath: folder) }
    }
    try await TestResources.$current.withValue(runs) { try await function() }
  }
}

extension Trait where Self == EndsItsProcesses {
  /// Ends every process that the test has started, also when it fails.
  static var endsItsProcesses: EndsItsProcesses { EndsItsProcesses() }
}
