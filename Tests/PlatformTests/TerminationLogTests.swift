import Foundation
import Testing

@testable import Platform
@testable import Primitives

@Suite struct TerminationLogTests {
  @Test func `the termination log is limited to 4096 bytes and replaced by a later write`() throws {
    let path = NSTemporaryDirectory() + "/ebb-termination-log-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: path) }
    writeTerminationLog([UInt8](repeating: 0x61, count: 5000), to: path)
    #expect(FileManager.default.contents(atPath: path)?.count == 4096)
    writeTerminationLog(Array("short".utf8), to: path)
    #expect(FileManager.default.contents(atPath: path) == Data("short".utf8))
  }
}
