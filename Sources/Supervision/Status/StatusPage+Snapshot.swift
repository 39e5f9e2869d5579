import Primitives

extension StatusPage {
  static func encode(_ snapshot: StatusSnapshot, sequence: UInt64, into bytes: inout AreaWriter) {
    bytes.append(sequence)
    bytes.append(snapshot.phase.rawValue, width: 1)
    bytes.append((snapshot.isReady ? 1 : 0) | (snapshot.isOutOfReach ? 2 : 0), width: 1)
    switch snapshot.command {
    case .notStarted:
      bytes.append(0, width: 1)
      bytes.append(0, width: 4)
    case .running(let pid):
      bytes.append(1, width: 1)
      bytes.append(Int(pid), width: 4)
    case .exited(let code):
      bytes.append(2, width: 1)
      bytes.append(code, width: 4)
    }
    bytes.append(Int(snapshot.stop?.signal.number ?? 0), width: 1)
    bytes.append(Int(snapshot.stop?.sends?.number ?? 0), width: 1)
    bytes.append(snapshot.since)
    bytes.append(snapshot.stop?.since)
    bytes.append(snapshot.stop?.delayEndsAt)
    bytes.append(snapshot.stop?.forwardAt)
    bytes.append(snapshot.stop?.forwardedAt)
    bytes.append(snapshot.killAt)
    bytes.append(snapshot.readyUntil)
    for count in [snapshot.received, snapshot.forwarded, snapshot.reaped] { bytes.append(count, width: 8) }
    encode(snapshot.connections, into: &bytes)
    encode(snapshot.stop?.traffic ?? TrafficReport(), into: &bytes)
  }

  static func decodeSlot(
    _ slot: ArraySlice<UInt8>
  ) throws(StatusPageError) -> (sequence: UInt64, snapshot: StatusSnapshot) {
    var bytes = try checked(slot)
    let sequence = try bytes.word()
    guard let phase = Phase(rawValue: try bytes.number(width: 1)) else { throw .halfWritten }
    let flags = try bytes.number(width: 1)
    let commandState = try bytes.number(width: 1)
    let commandValue = try bytes.number(width: 4)
    let signal = Signal(number: try bytes.number(width: 1))
    let sends = Signal(number: try bytes.number(width: 1))
    guard let since = try bytes.instant() else { throw .halfWritten }
    var snapshot = StatusSnapshot(since: since)
    (snapshot.phase, snapshot.isReady, snapshot.isOutOfReach) = (phase, flags & 1 != 0, flags & 2 != 0)
    switch commandState {
    case 1: snapshot.command = .running(pid: Int32(truncatingIfNeeded: commandValue))
    case 2: snapshot.command = .exited(code: commandValue)
    default: break
    }
    let stop = (try bytes.instant(), try bytes.instant(), try bytes.instant(), try bytes.instant())
    if let signal, let since = stop.0, let delayEndsAt = stop.1, let forwardAt = stop.2 {
      snapshot.stop = StatusSnapshot.Stop(
        signal: signal, since: since, delayEndsAt: delayEndsAt, forwardAt: forwardAt, forwardedAt: stop.3)
      snapshot.stop?.sends = sends
    }
    snapshot.killAt = try bytes.instant()
    snapshot.readyUntil = try bytes.instant()
    snapshot.received = try bytes.number(width: 8)
    snapshot.forwarded = try bytes.number(width: 8)
    snapshot.reaped = try bytes.number(width: 8)
    snapshot.connections = try decodeConnections(&bytes)
    snapshot.stop?.traffic = try decodeTraffic(&bytes)
    return (sequence, snapshot)
  }
}
