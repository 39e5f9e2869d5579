import Foundation
import TestSupport
import Testing

@testable import Platform
@testable import Primitives

@Suite struct TerminationLogTests {
  @Test func `the termination log is limited to 4096 bytes and replaced by a later write`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/log"
    writeTerminationLog([UInt8](repeating: 0x61, count: 5000), to: path)
    #expect(FileManager.default.contents(atPath: path)?.count == 4096)
    writeTerminationLog(Array("short".utf8), to: path)
    #expect(FileManager.default.contents(atPath: path) == Data("short".utf8))
  }
}
