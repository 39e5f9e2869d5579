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
