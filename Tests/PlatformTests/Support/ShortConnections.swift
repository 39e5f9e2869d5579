import CPlatform
import TestSupport
import Testing

@testable import Platform
@testable import Primitives

extension Listener {
  /// Makes connections and closes them immediately.
  func makeShortConnections(_ count: Int, afterEach: () -> Void = {}) throws {
    for _ in 0..<count {
      let client = try connect()
      CPlatform.close(try #require(try acceptConnection(from: socket)))
      CPlatform.close(client)
      afterEach()
    }
  }

  /// Makes short connections and waits until the kernel has sent the events of all. It makes at most 100 at a time,
  /// because more events may exceed the smallest usual receive buffer (net.core.rmem_max).
  func makeReportedShortConnections(_ count: Int) throws {
    let witness = ClosedSocketMonitor()
    var ports = SortedSet<UInt16>()
    ports.insert(port)
    func listen() {
      witness.beginPass()
      while witness.step(ports) {}
    }
    listen()
    for made in stride(from: 0, to: count, by: 100) {
      let end = min(made + 100, count)
      try makeShortConnections(end - made, afterEach: listen)
      try Clock.wait(for: "the end of \(end) connections") {
        listen()
        return witness.count >= end
      }
    }
  }
}
