import CPlatform
import Foundation
import Testing

@testable import Platform
@testable import Primitives

/// What not every machine has, and where a test runs on it.
enum Machine {
  /// Else tests of it are left out, which is said once. Not on the machine that has to prove everything: there they
  /// fail.
  static let hasIPv6: Bool = {
    if let socket = try? startListening(on: SocketAddress(.loopback6, port: 0), backlog: 1) {
      close(socket)
      return true
    }
    print("skipped: \(withoutIPv6)")
    return ProcessInfo.processInfo.environment["EBB_TESTS_NO_SKIP"] == "1"
  }()

  static let withoutIPv6: Comment = "no IPv6 here (nothing can be bound to ::1)"

  static let loopbacks: [IPAddress] = hasIPv6 ? [.loopback4, .loopback6] : [.loopback4]

  /// Raises the soft limit of open descriptors to the hard one: the usual 1024 are for all tests of this process.
  static func allowAllDescriptors() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// Keeps the calling thread on one processor: the kernel has one queue for what it tells on each of them.
  static func onOneProcessor<Value>(_ body: () throws -> Value) throws -> Value {
    var allowed = [UInt](repeating: 0, count: 128)
    let size = allowed.count * MemoryLayout<UInt>.size
    try #require(sched_getaffinity(0, size, &allowed) == 0)
    var one = [UInt](repeating: 0, count: allowed.count)
    let word = try #require(allowed.firstIndex { $0 != 0 })
    one[word] = 1 << allowed[word].trailingZeroBitCount
    try #require(sched_setaffinity(0, size, one) == 0)
    defer { _ = sched_setaffinity(0, size, allowed) }
    return try body()
  }
}

// The Glibc module leaves out what only Linux has. 0 is the calling thread.
@_silgen_name("sched_getaffinity") private func sched_getaffinity(
  _ thread: Int32, _ size: Int, _ mask: UnsafeMutablePointer<UInt>
) -> Int32
@_silgen_name("sched_setaffinity") private func sched_setaffinity(
  _ thread: Int32, _ size: Int, _ mask: UnsafePointer<UInt>
) -> Int32

extension Trait where Self == ConditionTrait {
  /// Runs the test only where there is IPv6.
  static var needsIPv6: Self { .enabled(if: Machine.hasIPv6, Machine.withoutIPv6) }
}
