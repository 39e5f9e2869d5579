import LinuxFormats
import Primitives
import Supervision

/// Recorded answers of sock_diag(7): samples of some connections, one each 250 ms, from the moment when the first one
/// opened, and whether each was owed a response at the last sample. Recorded on the loopback interface.
///
/// The first line is `# scenario=NAME owed=yes|no …`, the second one the names of the columns. Then follows a row for
/// each connection of each sample. Ages and times are milliseconds.
struct Recording {
  private(set) var scenario = ""
  private(set) var isOwed = false
  private let lines: [ArraySlice<UInt8>]
  /// The index in a row of each of `names`.
  private var columns: [Int] = []

  private enum Column: Int, CaseIterable {
    case ms, connection, state, inode, receiveQueue, sendQueue, received, acknowledged, segmentsIn, segmentsOut
    case sinceReceived, sinceSent, sinceAcknowledged

    var name: StaticString {
      switch self {
      case .ms: "ms"
      case .connection: "connection"
      case .state: "state"
      case .inode: "has_inode"
      case .receiveQueue: "rqueue"
      case .sendQueue: "wqueue"
      case .received: "bytes_received"
      case .acknowledged: "bytes_acked"
      case .segmentsIn: "data_segs_in"
      case .segmentsOut: "data_segs_out"
      case .sinceReceived: "last_data_recv"
      case .sinceSent: "last_data_sent"
      case .sinceAcknowledged: "last_ack_recv"
      }
    }
  }

  /// The payload of a packet on the loopback interface: its MTU without headers. Bytes.
  private static let largestSegment: UInt32 = 65_483
  /// The default of `--drain-quiet`.
  private static let quiet = TimeAmount.seconds(2)

  /// Fails if the text is not a recording.
  init?(_ text: [UInt8]) {
    let all = text.split(separator: UInt8(ascii: "\n"))
    guard all.count >= 2 else { return nil }
    for word in all[0].split(separator: UInt8(ascii: " ")) {
      if let value = Recording.value(of: "scenario=", in: word) { scenario = value }
      if let value = Recording.value(of: "owed=", in: word) { isOwed = value.utf8.elementsEqual("yes".utf8) }
    }
    let names = all[1].split(separator: UInt8(ascii: ","))
    for column in Column.allCases {
      guard let place = names.firstIndex(where: { $0.elementsEqual("\(column.name)".utf8) }) else { return nil }
      columns.append(place)
    }
    lines = Array(all[2...])
    guard lines.allSatisfy({ $0.split(separator: UInt8(ascii: ",")).count == names.count }) else { return nil }
  }

  /// Feeds the samples to the drain. Returns, of the connections open in the last sample that had received a byte, how
  /// many the drain would wait for.
  func replay() -> (busy: Int, all: Int) {
    var table = ConnectionTable()
    var now = Instant(nanoseconds: 0)
    table.beginPass(at: now)  // an empty sample: sampling began before the first connection opened
    var look = now
    var result = (busy: 0, all: 0)
    for line in lines {
      let row = line.split(separator: UInt8(ascii: ",")).map { Recording.number($0) }
      func value(_ column: Column) -> Int { row[columns[column.rawValue]] }
      now = Instant(nanoseconds: 0) + .milliseconds(value(.ms))
      if now != look {
        table.beginPass(at: now)
        (look, result) = (now, (0, 0))
      }
      guard value(.state) == 1 else { continue }
      let connection = connection(value)
      let `class` = connection.class(quiet: Recording.quiet, table.look(connection, at: now))
      guard value(.received) > 0 else { continue }
      result.all += 1
      if `class`.isBusy { result.busy += 1 }
    }
    return result
  }

  private func connection(_ value: (Column) -> Int) -> Connection {
    var ages = TCPInfo(
      lastSendAge: .milliseconds(value(.sinceSent)), lastReceiveAge: .milliseconds(value(.sinceReceived)),
      lastAckAge: .milliseconds(value(.sinceAcknowledged)), bytesReceived: UInt64(value(.received)),
      bytesAcknowledged: UInt64(value(.acknowledged)))
    ages.segments = TCPInfo.Segments(
      received: UInt32(value(.segmentsIn)), sent: UInt32(value(.segmentsOut)), largest: Recording.largestSegment)
    var connection = Connection(
      state: .established, localPort: 443, peer: SocketAddress(.v4(0), port: 0),
      receiveQueue: UInt32(value(.receiveQueue)), sendQueue: UInt32(value(.sendQueue)),
      inode: UInt64(value(.inode)), tcpInfo: ages)
    connection.cookie = UInt64(value(.connection) + 1)
    return connection
  }

  private static func value(of key: StaticString, in word: ArraySlice<UInt8>) -> String? {
    word.starts(with: "\(key)".utf8) ? String(decoding: word.dropFirst(key.utf8CodeUnitCount), as: UTF8.self) : nil
  }

  private static func number(_ text: ArraySlice<UInt8>) -> Int {
    text.reduce(0) { $0 * 10 + Int($1) - 48 }
  }
}
