import Foundation
import TestSupport
import Testing

@testable import Platform
@testable import Primitives

@Suite struct LogWriterTests {
  /// Makes a writer on a pipe. `before` runs before the writer starts.
  private func writer(
    capacity: Int, before: (Int32) -> Void = { _ in }
  ) throws -> (LogWriter, reading: Int32) {
    let pipe = try makePipe()
    before(pipe.write)
    return (LogWriter(descriptor: pipe.write, capacity: capacity), pipe.read)
  }

  /// Fills a pipe and returns the number of bytes.
  private func fill(_ pipe: Int32) -> Int {
    let flags = fcntl(pipe, F_GETFL)
    _ = fcntl(pipe, F_SETFL, flags | O_NONBLOCK)
    defer { _ = fcntl(pipe, F_SETFL, flags) }
    let block = [UInt8](repeating: UInt8(ascii: "-"), count: Int(PIPE_BUF))
    var count = 0
    while case let written = write(pipe, block, block.count), written > 0 { count += written }
    return count
  }

  private func readLine(_ descriptor: Int32, count: Int) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while bytes.count < count, wait(descriptor, POLLIN) {
      let got = read(descriptor, &buffer, min(buffer.count, count - bytes.count))
      if got <= 0 { break }
      bytes += buffer[..<got]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `lines are written in order and flush waits for them`() throws {
    let (writer, reading) = try writer(capacity: 1000)
    for word in ["one\n", "two\n", "three\n"] { writer.submit(Array(word.utf8)) }
    writer.flush(within: .seconds(60))
    #expect(readLine(reading, count: 14) == "one\ntwo\nthree\n")
    #expect(writer.takeDroppedCount() == 0)
  }

  @Test func `a log writer never waits for its reader and counts the lines that it drops`() throws {
    var filling = 0
    let (writer, reading) = try writer(capacity: 100_000, before: { filling = fill($0) })
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 9999) + [UInt8(ascii: "\n")]
    for _ in 0..<50 { writer.submit(line) }  // the pipe is full, the writer keeps 100 kB
    #expect(writer.takeDroppedCount() == 0)  // the writer has no room for the count yet
    let before = monotonicTime()
    writer.flush(within: .milliseconds(50))
    #expect(monotonicTime() - before >= .milliseconds(50))
    // Once the pipe is read, the kept lines are written.
    _ = readLine(reading, count: filling)
    #expect(readLine(reading, count: 100_000).utf8.elementsEqual((0..<10).flatMap { _ in line }))
    writer.flush(within: .seconds(60))
    #expect(writer.takeDroppedCount() == 40)
    #expect(writer.takeDroppedCount() == 0)
  }

  @Test func `lines to a pipe without a reader are discarded`() throws {
    signal(SIGPIPE, SIG_IGN)
    let (writer, reading) = try writer(capacity: 1000)
    close(reading)
    writer.submit(Array("lost\n".utf8))
    writer.flush(within: .seconds(60))
    writer.submit(Array("lost too\n".utf8))
    writer.flush(within: .seconds(60))
  }

  @Test func `flush returns immediately if no line is pending`() {
    LogWriter(descriptor: -1, capacity: 10).flush(within: .seconds(3600))
  }
}
