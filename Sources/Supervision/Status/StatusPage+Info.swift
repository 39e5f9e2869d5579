import Primitives

extension StatusPage {
  static let maxNamedPorts = 256

  static func encode(_ info: SupervisorInfo, into bytes: inout AreaWriter) {
    bytes.append(Int(info.pid), width: 4)
    bytes.append(info.startedAt)
    bytes.append(info.stopSignals.mask)
    bytes.append(Int(info.forwardsAs?.number ?? 0), width: 1)
    bytes.append((info.targetsProcessGroup ? 1 : 0) | (info.recognisesServers ? 2 : 0), width: 1)
    bytes.append(UInt64(bitPattern: info.drainQuiet.nanoseconds))
    bytes.append(Int(info.healthPort ?? 0), width: 2)
    // If there are too many for the page, readers search for the ports.
    let ports = info.ports.flatMap { $0.count <= maxNamedPorts ? $0 : nil } ?? []
    bytes.append(ports.count, width: 2)
    for port in ports { bytes.append(Int(port), width: 2) }
    info.plan.encode(into: &bytes)
    bytes.append(text: info.version, upTo: 64)
    for word in info.argv {
      let left = bytes.room - 4  // excluding a length and the end mark
      guard left > 0 else { break }
      bytes.append(text: word, upTo: left)
    }
    bytes.append(AreaWriter.endOfTexts, width: 2)
  }

  static func decodeInfo(_ area: ArraySlice<UInt8>) throws(StatusPageError) -> SupervisorInfo {
    var bytes = try checked(area)
    let pid = Int32(truncatingIfNeeded: try bytes.number(width: 4))
    guard let startedAt = try bytes.instant() else { throw .halfWritten }
    let stopSignals = SignalSet(mask: try bytes.word())
    let forwardsAs = Signal(number: try bytes.number(width: 1))
    let flags = try bytes.number(width: 1)
    let drainQuiet = TimeAmount(nanoseconds: Int64(bitPattern: try bytes.word()))
    let healthPort = UInt16(truncatingIfNeeded: try bytes.number(width: 2))
    var ports: [UInt16] = []
    for _ in 0..<(try bytes.number(width: 2)) { ports.append(UInt16(truncatingIfNeeded: try bytes.number(width: 2))) }
    let plan = try StopPlan(&bytes)
    guard let version = try bytes.text() else { throw .halfWritten }
    var argv: [String] = []
    while let word = try bytes.text() { argv.append(word) }
    return SupervisorInfo(
      pid: pid, version: version, startedAt: startedAt, argv: argv, stopSignals: stopSignals,
      recognisesServers: flags & 2 != 0, forwardsAs: forwardsAs, targetsProcessGroup: flags & 1 != 0,
      ports: ports.isEmpty ? nil : ports, healthPort: healthPort == 0 ? nil : healthPort,
      drainQuiet: drainQuiet, plan: plan)
  }
}

extension ByteReader {
  /// Reads a count; throws `.halfWritten` if its complement does not match.
  mutating func count() throws(StatusPageError) -> Int {
    let count = UInt32(truncatingIfNeeded: try number(width: 4))
    guard UInt32(truncatingIfNeeded: try number(width: 4)) == ~count else { throw .halfWritten }
    return Int(count)
  }
}
