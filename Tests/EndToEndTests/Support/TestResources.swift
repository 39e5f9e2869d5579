import Foundation
import Synchronization
import TestSupport
import Testing

/// The processes and folders of the running test, which are removed at its end.
final class TestResources: @unchecked Sendable {
  @TaskLocal fileprivate static var current: TestResources?
  private static let counter = Atomic<Int>(0)
  // Only one test, which is one task, uses this object.
  fileprivate var started: [Run] = []
  fileprivate var folders: [TemporaryFolder] = []
  fileprivate var lastActions: [() -> Void] = []

  /// A number that is unique in this process.
  static func nextNumber() -> Int { counter.add(1, ordering: .relaxed).newValue }

  static func add(_ run: Run) throws {
    guard let current else { throw Failure("the suite lacks the trait .endsItsProcesses") }
    current.started.append(run)
  }

  /// Runs the action at the end of the test, before its processes are ended.
  static func atEnd(_ action: @escaping () -> Void) throws {
    guard let current else { throw Failure("the suite lacks the trait .endsItsProcesses") }
    current.lastActions.append(action)
  }

  /// A new folder that every user may read. It is removed at the end of the test.
  static func folder() throws -> String {
    guard let current else { throw Failure("the suite lacks the trait .endsItsProcesses") }
    let folder = try TemporaryFolder()
    current.folders.append(folder)
    return folder.path
  }
}

/// Ends every process that a test has started and removes its folders, even if it fails.
struct EndsItsProcesses: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let runs = TestResources()
    defer {
      for action in runs.lastActions { action() }
      do { try Run.end(runs.started) } catch { Issue.record(error) }
      runs.folders = []
    }
    try await TestResources.$current.withValue(runs) { try await function() }
  }
}

extension Trait where Self == EndsItsProcesses {
  /// Ends every process that the test has started, even if it fails.
  static var endsItsProcesses: EndsItsProcesses { EndsItsProcesses() }
}
