import CPlatform
import Testing

@testable import Platform
@testable import Primitives

extension Listener {
  /// Makes connections that are closed at once.
  func makeShortConnections(_ count: Int, afterEach: () -> Void = {}) throws {
    for _ in 0..<count {
      let client = try connect()
      CPlatform.close(try #require(try acceptConnection(from: socket)))
      CPlatform.close(client)
      afterEach()
    }
  }

  /// The same; returns when the kernel has told of all. Of more than a hundred it may tell at once what the least of the
  /// usual limits (net.core.rmem_max) has no room for.
  func makeShortConnectionsThatAreTold(_ count: Int) throws {
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
      try wait(for: "the end of \(end) connections") {
        listen()
        return witness.count >= end
      }
    }
  }
}

/// What the kernel does when it gets to it.
func wait(for what: Comment, _ condition: () throws -> Bool) throws {
  let limit = monotonicTime() + .seconds(60)
  while try !condition() {
    try #require(monotonicTime() < limit, what)
    usleep(1000)
  }
}
