import Foundation
import Primitives
import TestSupport
import Testing

let loopbacks: [IPAddress] = hasIPv6 ? [.loopback4, .loopback6] : [.loopback4]

extension Trait where Self == ConditionTrait {
  /// Runs the test only if this machine has IPv6, and prints that it is skipped otherwise. With EBB_TESTS_NO_SKIP=1 the
  /// test fails instead.
  static var needsIPv6: Self {
    let absence: Comment = "no IPv6 here (nothing can be bound to ::1)"
    return .enabled(absence) {
      if hasIPv6 || ProcessInfo.processInfo.environment["EBB_TESTS_NO_SKIP"] == "1" { return true }
      print("skipped: \(absence)")
      return false
    }
  }
}
