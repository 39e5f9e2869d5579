import LifecycleModel

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// A whole stop with connections, told as a story. Times are milliseconds since its start; the stop signal comes at 0.
struct DrainScenario {
  var lifecycle: Lifecycle
  private(set) var report = ""
  private(set) var records: [LogRecord] = []

  init(_ change: (inout RunOptions) -> Void = { _ in }) {
    var options = RunOptions()
    options.orchestrator = .kubernetes
    change(&options)
    lifecycle = Lifecycle(options)
    _ = lifecycle.handle(.spawned(pid: 7, hasTerminal: false), at: .at(-1000))
  }

  mutating func at(_ milliseconds: Int, _ event: Event) -> [Action] {
    lifecycle.handle(event, at: .at(milliseconds)).filter { action in
      switch action {
      case .log(let record):
        records.append(record)
        return false
      case .findChildren: return false
      case .writeTerminationMessage(let record):
        report = String(decoding: record.line(.json, unixMilliseconds: 0), as: UTF8.self)
        return false
      default: return true
      }
    }
  }

  mutating func exit(at milliseconds: Int) {
    _ = at(milliseconds, .commandExited(.exited(code: 0)))
    _ = at(milliseconds, .reapedAll(childrenRemain: false))
  }

  /// Until the stop signal goes out: each pass finds what `traffic` says. Returns when that was.
  mutating func drain(_ traffic: (Int) -> ConnectionSample) -> Int? {
    var actions = at(0, .signal(.sigterm))
    var now = 0
    for _ in 0..<1000 {
      if actions.contains(stopCommand[0]) { return now }
      if actions.contains(where: { if case .count = $0 { true } else { false } }) {
        actions = at(now, .sampled(traffic(now)))
      } else {
        guard let wakeUp else { return nil }
        now = wakeUp
        actions = at(now, .timer)
      }
    }
    return nil
  }

  var wakeUp: Int? { lifecycle.wakeUp.map { ($0 - .at(0)).milliseconds } }

  /// The last line of an event, as JSON from the event on.
  func line(_ event: String) -> String? {
    records.last { $0.event == event }.map { record in
      let line = String(decoding: record.line(.json, unixMilliseconds: 0), as: UTF8.self)
      return String(line.drop { $0 != "," }.dropFirst().dropLast())
    }
  }
}

let stopCommand: [Action] = [.send(.sigterm, to: .command), .send(.sigcont, to: .command)]

func sample(_ connections: Connection..., closed: Int = 0, listeners: ConnectionSample.PortSource = .ofTree)
  -> ConnectionSample
{
  var sample = ConnectionSample(source: .diagWithInfo, listeners: listeners)
  sample.ports = listeners == .none ? [] : [80]
  sample.closed = closed
  sample.eventHorizonAge = .zero
  for connection in connections { sample.counts.add(connection, quiet: .seconds(2)) }
  return sample
}

/// With empty queues; the ages are milliseconds.
func connection(
  _ state: TCPState = .established, sent: Int, received: Int, bytes: UInt64 = 100, answered: UInt64 = 100
) -> Connection {
  Connection(
    state: state, localPort: 80, peer: SocketAddress(.loopback4, port: 5000), receiveQueue: 0, sendQueue: 0,
    inode: 1,
    tcpInfo: .init(
      lastSendAge: .milliseconds(sent), lastReceiveAge: .milliseconds(received), lastAckAge: .milliseconds(sent),
      bytesReceived: bytes, bytesAcknowledged: answered))
}
