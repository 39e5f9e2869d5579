import CPlatform
import Supervision
import Testing

@testable import Platform

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

  /// The same; returns when the kernel has told of all.
  func makeShortConnectionsThatAreTold(_ count: Int) throws {
    let witness = ClosedConnections()
    var ports = Ordered<UInt16>()
    ports.insert(port)
    func listen() {
      witness.beginPass()
      while witness.step(ports) {}
    }
    listen()
    try makeShortConnections(count, afterEach: listen)
    try wait(for: "the end of \(count) connections") {
      listen()
      return witness.count >= count
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
