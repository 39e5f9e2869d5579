import LinuxFormats
import Primitives

/// The table of `ebb status --connections`, a line for each connection. `quiet` is the time without a byte after which
/// traffic counts as quiet.
package func connectionText(_ connections: [Connection], quiet: TimeAmount) -> String {
  guard !connections.isEmpty else { return "no connections\n" }
  var rows = [["PORT", "PEER", "CLASS", "LAST IN", "LAST OUT"]]
  for one in connections {
    rows.append([
      "\(Int(one.localPort))", one.peer.description, one.class(quiet: quiet).name,
      one.tcpInfo?.lastReceiveAge.approximate ?? "-",
      one.tcpInfo?.lastSendAge.approximate ?? "-",
    ])
  }
  return alignedColumns(rows, numbers: [0, 3])
}

extension Connection {
  /// Fields of one element of the list in `ebb status --connections --json`.
  func fields(quiet: TimeAmount) -> [LogRecord.Field] {
    [
      .init("port", .number(Int(localPort))), .init("peer", .text(peer.description)),
      .init("class", .text(self.class(quiet: quiet).name)),
      .init("last_in_ms", .span(tcpInfo?.lastReceiveAge)), .init("last_out_ms", .span(tcpInfo?.lastSendAge)),
    ]
  }
}

extension StatusSnapshot.Connections {
  /// The counts as text: `2 busy (2 owed-response), 14 idle (14 idle), port 8080, by diag+info`.
  var text: String {
    func list(_ isListed: (ConnectionClass) -> Bool) -> String {
      var text = ""
      for (one, count) in classes where isListed(one) {
        text += "\(text.utf8.isEmpty ? " (" : ", ")\(count) \(one.name)"
      }
      return text.utf8.isEmpty ? "" : text + ")"
    }
    guard let busy, let idle else { return "connections unknown, by \(source.name)" }
    let places = ports.isEmpty ? "no port" : "port \(ports.map { "\(Int($0))" }.joinedBySpaces)"
    return "\(busy) busy\(list { $0.isBusy }), \(idle) idle\(list { !$0.isBusy }), \(places), by \(source.name)"
  }
}
