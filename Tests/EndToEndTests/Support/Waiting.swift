import Foundation
import Testing

/// Runs tests on separate threads. Swift Testing runs at most one test per processor, which is too few for tests that
/// mostly wait.
struct MostlyWaits: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(Threads.shared) { try await function() }
  }
}

extension Trait where Self == MostlyWaits {
  /// The tests run in parallel with each other and with all others.
  static var mostlyWaits: MostlyWaits { MostlyWaits() }
}

private final class Threads: TaskExecutor {
  static let shared = Threads()
  private let places = DispatchSemaphore(value: 16)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    Thread.detachNewThread { [self] in
      places.wait()
      job.runSynchronously(on: asUnownedTaskExecutor())
      places.signal()
    }
  }
}
