/// What `ebb status --connections` prints below the state: a line for each connection. `quiet` as for the classes.
package func connectionText(_ connections: [Connection], quiet: Span) -> String {
  guard !connections.isEmpty else { return "no connections\n" }
  var rows = [["PORT", "PEER", "CLASS", "LAST IN", "LAST OUT"]]
  for one in connections {
    rows.append([
      "\(Int(one.localPort))", one.peer.text, one.class(quiet: quiet).name, one.ages?.received.rough ?? "-",
      one.ages?.sent.rough ?? "-",
    ])
  }
  return columns(rows, numbers: [0, 3])
}

extension Connection {
  /// One element of the list in `ebb status --connections --json`.
  func facts(quiet: Span) -> [LogRecord.Fact] {
    [
      .init("port", .number(Int(localPort))), .init("peer", .text(peer.text)),
      .init("class", .text(self.class(quiet: quiet).name)),
      .init("last_in_ms", .span(ages?.received)), .init("last_out_ms", .span(ages?.sent)),
    ]
  }
}

extension StatusSnapshot.Connections {
  /// `2 busy (2 owed-response), 14 idle (14 idle), port 8080, by diag+info`.
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
