import TestSupport

/// How the numbers of a row are printed.
enum Unit {
  case nanoseconds, kilobytes, bytes, count, instructions

  /// Returns the number with its unit, in three significant digits.
  func text(_ value: Double) -> String {
    switch self {
    case .nanoseconds:
      if value >= 1e6 { return "\(fixed(value / 1e6, value >= 1e8 ? 0 : 2)) ms" }
      return "\(fixed(value / 1e3, value >= 1e5 ? 0 : 1)) µs"
    case .kilobytes:
      return "\(fixed(value, 0)) kB"
    case .bytes:
      return value >= 1e6 ? "\(fixed(value / 1e6, 2)) MB" : "\(fixed(value / 1e3, 0)) kB"
    case .count:
      return fixed(value, value == value.rounded() ? 0 : 1)
    case .instructions:
      return value >= 1e4 ? "\(fixed(value / 1e3, 0)) k" : fixed(value, 0)
    }
  }
}

/// One line of the table.
struct Row {
  let title: String
  /// The cells by program name; a missing one is printed as a dash.
  var cells: [String: String] = [:]

  init(_ title: String, texts: [String: String]) {
    self.title = title
    cells = texts
  }

  /// Makes a row of numbers, each with its ratio to tini's if that was measured.
  init(_ title: String, _ unit: Unit, _ values: [String: Double], ratio: Bool = true) {
    self.title = title
    for (name, value) in values {
      cells[name] = unit.text(value)
      if ratio, let tini = values["tini"], tini > 0 {
        cells[name]? += " (\(fixed(value / tini, 2)))"
      }
    }
  }
}

/// Collects rows, bars and notes, and prints them at the end.
final class Report {
  var heading = ""
  private var rows: [Row] = []
  private var bars: [Threshold] = []
  private var notes: [String] = []

  var missed: Bool { bars.contains { !$0.reached } }

  func add(_ row: Row) {
    rows.append(row)
  }

  func note(_ sentence: String) {
    notes.append(sentence)
  }

  func judge(_ title: String, measured: String, _ reached: Bool) {
    bars.append(Threshold(title, measured: measured, reached))
  }

  /// Judges ebb's value against tini's of the same run. Without tini adds a note instead.
  func judge(_ title: String, _ unit: Unit, _ values: [String: Double], atMost limit: Double) {
    guard let ebb = values["ebb"], let tini = values["tini"], tini > 0 else {
      note("not judged, for tini was not measured: \(title)")
      return
    }
    let measured = "\(fixed(ebb / tini, 3)) × tini (\(unit.text(ebb)) to \(unit.text(tini)))"
    judge(title, measured: measured, ebb / tini <= limit)
  }

  /// Prints the table, then the notes, then one line per bar.
  func print(markdown: Bool, programs: [Program]) {
    let lines = rows.map { row in [row.title] + programs.map { row.cells[$0.name] ?? "–" } }
    var text = heading + "\n\n"
    text += Table(["figure"] + programs.map(\.name), lines).text(markdown: markdown)
    text += "\nMedians; in brackets the ratio to tini.\n"
    text += notes.map { "note: \($0)\n" }.joined()
    text += "\n"
    text += bars.map(\.text).joined()
    writeAll(text, to: 1)
  }
}
