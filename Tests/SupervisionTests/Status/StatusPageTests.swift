import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// A status page is decoded to the status that was written; any other bytes are an error and never a trap.
@Suite struct StatusPageTests {
  @Test func `a status page is decoded to the status that was written`() throws {
    let written = Status.example
    let read = try StatusPage.decode(StatusPage.page(written))
    #expect("\(read)" == "\(written)")
  }

  @Test(arguments: Phase.allCases)
  func `a status page keeps each phase`(_ phase: Phase) throws {
    var status = Status.example
    status.snapshot.phase = phase
    #expect(try StatusPage.decode(StatusPage.page(status)).snapshot.phase == phase)
  }

  @Test func `a status page keeps each state of the command`() throws {
    var status = Status.example
    status.snapshot.stop = nil
    status.snapshot.killAt = nil
    for command in [StatusSnapshot.Command.notStarted, .exited(code: 0), .exited(code: 255), .running(pid: .max)] {
      status.snapshot.command = command
      #expect("\(try StatusPage.decode(StatusPage.page(status)))" == "\(status)")
    }
  }

  @Test func `a status page shows the slot with the highest sequence number`() throws {
    var page = StatusPage.page(.example)
    for sequence in UInt64(1)...9 {
      var snapshot = Status.example.snapshot
      snapshot.received = Int(sequence)
      page.write(StatusPage.slot(snapshot, sequence: sequence), at: StatusPage.slotOffset(sequence: sequence))
      #expect(try StatusPage.decode(page).snapshot.received == Int(sequence))
    }
  }

  @Test func `a status page shows counters that have grown since the newest slot`() throws {
    for (received, forwarded, reaped) in [(1000, 900, 800), (Int(UInt32.max), 256, Int(UInt32.max)), (0, 0, 0)] {
      var page = StatusPage.page(.example)
      page.withUnsafeMutableBytes {
        for (index, count) in [received, forwarded, reaped].enumerated() {
          StatusPage.write(count: count, index, to: $0)
        }
      }
      let read = try StatusPage.decode(page).snapshot
      #expect(read.received == max(received, Status.example.snapshot.received))
      #expect(read.forwarded == max(forwarded, Status.example.snapshot.forwarded))
      #expect(read.reaped == max(reaped, Status.example.snapshot.reaped))
    }
  }

  /// A reader may see any part of an update, or of two updates if it is slow.
  @Test func `a torn update of the status page shows the state before or after it`() throws {
    var page = StatusPage.page(.example)
    var snapshot = Status.example.snapshot
    for sequence in UInt64(1)...4 {
      let before = snapshot.received
      snapshot.received = 100 + Int(sequence)
      let slot = StatusPage.slot(snapshot, sequence: sequence)
      for cut in 0..<slot.count {
        var torn = page
        torn.write(Array(slot[..<cut]), at: StatusPage.slotOffset(sequence: sequence))
        let seen = try StatusPage.decode(torn).snapshot.received
        #expect(seen == before || seen == snapshot.received)
        var tornFromBehind = page
        tornFromBehind.write(Array(slot[cut...]), at: StatusPage.slotOffset(sequence: sequence) + cut)
        let seenToo = try StatusPage.decode(tornFromBehind).snapshot.received
        #expect(seenToo == before || seenToo == snapshot.received)
      }
      page.write(slot, at: StatusPage.slotOffset(sequence: sequence))
    }
  }

  /// In a weak checksum two changes cancel out at the highest bits, because a product carries them nowhere.
  @Test func `two wrong bits in a status page are detected`() throws {
    let page = StatusPage.page(.example)
    for area in [StatusPage.slotOffset(sequence: 0), StatusPage.infoOffset] {
      for (one, other) in [(8, 16), (8, 24), (16, 24), (24, 56)] {
        for bit in 0..<64 {
          var garbled = page
          for word in [one, other] { garbled[area + word + bit / 8] ^= 1 << (bit % 8) }
          #expect(throws: StatusPageError.self) { try StatusPage.decode(garbled) }
        }
      }
    }
  }

  @Test func `corrupting any byte of a status page is detected or has no effect`() throws {
    let page = StatusPage.page(.example)
    let expected = "\(Status.example)"
    for index in page.indices {
      for change: UInt8 in [0x01, 0x80, 0xFF] {
        var garbled = page
        garbled[index] ^= change
        guard let read = try? StatusPage.decode(garbled) else { continue }
        #expect("\(read)" == expected, "byte \(index)")
      }
    }
  }

  @Test func `a status page that is cut off is an error`() {
    let page = StatusPage.page(.example)
    for length in 0..<page.count {
      #expect(throws: StatusPageError.self) { try StatusPage.decode(Array(page[..<length])) }
    }
  }

  /// A hostile process of the same user can compute the checksums. Neither decoding nor printing the page may trap.
  @Test func `a forged status page with right checksums is shown or refused without a trap`() throws {
    var random = SplitMix64(state: 7)
    var shown = 0
    for round in 0..<4000 {
      var page = StatusPage.page(.example)
      let areas = [32..<264, StatusPage.infoOffset..<StatusPage.size]
      for area in areas {
        for _ in 0..<(round % 4) {
          let index = Int.random(
            in: (area.lowerBound + 8)..<min(area.upperBound, area.lowerBound + 200), using: &random)
          page[min(index, area.upperBound - 1)] =
            [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)]
            .randomElement(using: &random) ?? 0
        }
        let sum = page[(area.lowerBound + 8)..<area.upperBound].withUnsafeBytes { StatusPage.checksum($0) }
        page.write(withUnsafeBytes(of: sum.littleEndian) { Array($0) }, at: area.lowerBound)
      }
      guard let status = try? StatusPage.decode(page) else { continue }
      shown += 1
      for now in [Instant(nanoseconds: 0), .at(0), Instant(nanoseconds: 1 << 62)] {
        _ = status.text(pid: 1, processes: [], at: now)
        _ = status.line(at: now)
        _ = status.json(pid: 1, processes: [], at: now)
        _ = status.objection(live: false, at: now)
        _ = status.prometheusMetrics(at: now)
      }
    }
    #expect(shown > 100)
  }

  @Test func `a page with another schema, another magic or no byte is an error of its own kind`() {
    var page = StatusPage.page(.example)
    page[8] += 1
    #expect { try StatusPage.decode(page) } throws: {
      if case StatusPageError.otherSchema(StatusPage.schema + 1) = $0 { true } else { false }
    }
    page[0] = 0
    #expect { try StatusPage.decode(page) } throws: {
      if case StatusPageError.notAStatusPage = $0 { true } else { false }
    }
    #expect { try StatusPage.decode([]) } throws: { if case StatusPageError.halfWritten = $0 { true } else { false } }
  }

  @Test func `a status page keeps the ports, the health port and the quiet time`() throws {
    var options = RunOptions()
    for ports in [nil, [80, 65535], [UInt16](1...256)] as [[UInt16]?] {
      options.ports = ports?.map { Port($0) }
      options.health = HealthAddress(text: "127.0.0.1:8086")
      options.drainQuiet = .milliseconds(1500)
      let status = Status(
        info: SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["app"], options: options), snapshot: .init(since: .at(0))
      )
      let read = try StatusPage.decode(StatusPage.page(status)).info
      #expect(read.ports == ports)
      #expect(read.healthPort == 8086)
      #expect(read.drainQuiet == .milliseconds(1500))
      #expect(read.argv == ["app"])
    }
    options.ports = (1...257).map { Port($0) }
    let status = Status(
      info: SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["app"], options: options), snapshot: .init(since: .at(0)))
    #expect(try StatusPage.decode(StatusPage.page(status)).info.ports == nil)
  }

  @Test func `a command line that does not fit into the status page is cut off`() throws {
    var status = Status.example
    status.info.argv = ["java"] + (0..<1000).map { "-Dargument.number=\($0)" }
    let read = try StatusPage.decode(StatusPage.page(status)).info.argv
    #expect(read.count > 100)
    #expect(Array(read.dropLast()) == Array(status.info.argv[..<(read.count - 1)]))
    status.info.argv = [String(repeating: "x", count: 100_000), "y"]
    let cut = try StatusPage.decode(StatusPage.page(status)).info.argv
    #expect(cut.count == 1)
    #expect(cut.first?.count ?? 0 > 3000)
    for length in 3300..<3600 {
      status.info.argv = [String(repeating: "é", count: length / 2), "y", "", "z"]
      _ = try StatusPage.decode(StatusPage.page(status))
    }
  }
}

extension Status {
  /// A supervisor in a stop, 1.2 s after the stop signal at 81.2 s.
  static let example: Status = {
    var options = RunOptions()
    options.targetsProcessGroup = true
    var now = StatusSnapshot(since: .at(80_000))
    now.phase = .delaying
    now.command = .running(pid: 7)
    now.stop = StatusSnapshot.Stop(
      signal: .sigterm, since: .at(80_000), delayEndsAt: .at(85_000), forwardAt: .at(85_000), forwardedAt: nil)
    now.killAt = .at(109_000)
    (now.received, now.forwarded, now.reaped) = (3, 2, 4)
    return Status(
      info: SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["app", "--port", "8080"], options: options), snapshot: now)
  }()
}

extension [UInt8] {
  mutating func write(_ bytes: [UInt8], at offset: Int) {
    replaceSubrange(offset..<(offset + bytes.count), with: bytes)
  }
}

extension StatusPage {
  /// The bytes that a write of this snapshot puts at `slotOffset`.
  static func slot(_ snapshot: StatusSnapshot, sequence: UInt64) -> [UInt8] {
    var page = [UInt8](repeating: 0xAA, count: size)
    page.withUnsafeMutableBytes { write(snapshot, sequence: sequence, to: $0) }
    return Array(page[slotOffset(sequence: sequence)..<slotOffset(sequence: sequence) + slotSize])
  }
}
