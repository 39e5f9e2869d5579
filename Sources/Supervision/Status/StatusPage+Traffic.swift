// The connections and the traffic in a slot of the status page.

import Primitives

extension StatusPage {
  private static let maxPorts = 16
  private static let noSource = 0xFF

  static func encode(_ connections: StatusSnapshot.Connections?, into bytes: inout AreaWriter) {
    guard let connections else { return bytes.append(noSource, width: 1) }
    bytes.append(connections.source.rawValue, width: 1)
    let ports = connections.ports.prefix(maxPorts)
    bytes.append(ports.count, width: 1)
    for port in ports { bytes.append(Int(port), width: 2) }
    bytes.append(connections.counts == nil ? 0 : 1, width: 1)
    for count in connections.counts ?? [] { bytes.append(count, width: 4) }
  }

  static func decodeConnections(
    _ bytes: inout ByteReader
  ) throws(StatusPageError) -> StatusSnapshot.Connections? {
    guard let source = ConnectionSource(rawValue: try bytes.number(width: 1)) else { return nil }
    var connections = StatusSnapshot.Connections(source: source, ports: [], counts: nil)
    for _ in 0..<(try bytes.number(width: 1)) {
      connections.ports.append(UInt16(truncatingIfNeeded: try bytes.number(width: 2)))
    }
    guard try bytes.number(width: 1) == 1 else { return connections }
    var counts: [Int] = []
    for _ in ConnectionClass.allCases { counts.append(try bytes.number(width: 4)) }
    connections.counts = counts
    return connections
  }

  static func encode(_ traffic: TrafficReport, into bytes: inout AreaWriter) {
    for count in [traffic.inFlightAtStop, traffic.inFlightAtForward, traffic.newConnections] {
      bytes.append(min(count ?? noCount, noCount), width: 4)
    }
    for span in [traffic.lastConnection, traffic.lastRequest] {
      bytes.append(span.map { Instant(nanoseconds: 0) + $0 })
    }
    let steady = traffic.wasSteady.map { $0 ? 2 : 4 } ?? 0
    bytes.append((traffic.hasGaps ? 1 : 0) | steady, width: 1)
    bytes.append(traffic.drainEndedBy?.rawValue ?? noEnding, width: 1)
  }

  static func decodeTraffic(_ bytes: inout ByteReader) throws(StatusPageError) -> TrafficReport {
    var traffic = TrafficReport()
    traffic.inFlightAtStop = try count(&bytes)
    traffic.inFlightAtForward = try count(&bytes)
    traffic.newConnections = try count(&bytes)
    traffic.lastConnection = try span(&bytes)
    traffic.lastRequest = try span(&bytes)
    let flags = try bytes.number(width: 1)
    traffic.hasGaps = flags & 1 != 0
    traffic.wasSteady = flags & 6 == 0 ? nil : flags & 2 != 0
    traffic.drainEndedBy = DrainEndReason(rawValue: try bytes.number(width: 1))
    return traffic
  }

  private static let noCount = Int(UInt32.max)
  private static let noEnding = 0xFF

  private static func count(_ bytes: inout ByteReader) throws(StatusPageError) -> Int? {
    let count = try bytes.number(width: 4)
    return count == noCount ? nil : count
  }

  private static func span(_ bytes: inout ByteReader) throws(StatusPageError) -> TimeAmount? {
    try bytes.instant().map { $0 - Instant(nanoseconds: 0) }
  }
}
