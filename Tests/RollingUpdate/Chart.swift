import TestSupport

/// Errors over time as SVG, with a lane for each way to stop. It shows the runs with the middle lag.
func chart(_ outcomes: [Outcome], _ schedule: Schedule) -> String {
  let lag = schedule.lags[schedule.lags.count / 2]
  let shown = outcomes.filter { $0.run.lag == lag }
  let panels = schedule.apps.map { app in shown.filter { $0.run.app == app } }.filter { !$0.isEmpty }
  let scale = max(1, shown.flatMap { histogram($0).map(\.total) }.max() ?? 1)

  var canvas = SVGCanvas()
  canvas.text(
    "Requests that failed during a rolling update of \(Run.replicas) replicas; the load balancer learns of each stop "
      + "after \(seconds(lag))", 16, 24, "title")
  var top = legend(shown, scale, &canvas) + 22
  for panel in panels { top = draw(panel, top, scale, &canvas) }
  return canvas.document(height: top)
}

private let plot = (left: 190.0, right: 740.0)
private let laneHeight = 34.0

/// Draws the colours of the kinds that occur, and the scale. Returns the lower edge.
private func legend(_ outcomes: [Outcome], _ scale: Int, _ canvas: inout SVGCanvas) -> Double {
  var x = 16.0
  for fate in RequestOutcome.allCases where outcomes.contains(where: { $0.errors.contains { $0.fate == fate } }) {
    canvas.rectangle(x, 38, 10, 10, fill: colour(fate))
    canvas.text(fate.meaning, x + 15, 47)
    x += 40 + 6.2 * Double(fate.meaning.count)
  }
  canvas.rectangle(x, 38, 10, 10, fill: "#dfe3e8")
  canvas.text("an old replica is ending", x + 15, 47)
  canvas.text("The highest bar stands for \(scale) requests in half a second.", 16, 66, "small")
  return 66
}

/// Draws the panel of one app. Returns the upper edge of the next one.
private func draw(_ panel: [Outcome], _ top: Double, _ scale: Int, _ canvas: inout SVGCanvas) -> Double {
  let app = panel[0].run.app
  // Updates that end with SIGKILL are much longer, so only their beginning is shown.
  let span = max(1, panel.filter { !$0.hasKilled }.map { $0.time + Int64(500_000_000) }.max() ?? 1)
  func x(_ moment: Int64) -> Double {
    plot.left + (plot.right - plot.left) * Double(min(moment, span)) / Double(span)
  }
  canvas.text(app.rawValue, 16, top + 14, "panel")
  var y = top + 22
  for outcome in panel {
    let base = y + laneHeight - 6
    canvas.text(outcome.run.way.name, plot.left - 8, base, "end")
    for replacement in outcome.replacements {
      let begin = x(replacement.stop - outcome.begin)
      let end = x(replacement.gone - outcome.begin)
      if end > begin { canvas.rectangle(begin, base - 8, max(1, end - begin - 1), 8, fill: "#dfe3e8") }
    }
    canvas.line(plot.left, base, plot.right, base)
    for bin in histogram(outcome) {
      var foot = base
      for (fate, count) in bin.counts {
        let height = max(3, (laneHeight - 8) * Double(count) / Double(scale))
        foot -= height
        canvas.rectangle(x(bin.start), foot, max(1.5, x(binWidth) - x(0) - 0.5), height, fill: colour(fate))
      }
    }
    let errors = outcome.errors.count
    let verdict = "\(errors) of \(outcome.requests.count) failed"
    canvas.text(verdict, plot.right + 10, base, errors == 0 ? "good" : "bad")
    if outcome.hasKilled {
      canvas.text("killed, until \(inSeconds(outcome.time))", plot.right + 10, base - 14, "small")
    }
    y += laneHeight
  }
  axis(span, y, x, &canvas)
  return y + 40
}

private func axis(_ span: Int64, _ y: Double, _ x: (Int64) -> Double, _ canvas: inout SVGCanvas) {
  let whole = Int(span / 1_000_000_000)
  let step = [1, 2, 5, 10, 20, 50].first { whole / $0 <= 10 } ?? 100
  for second in stride(from: 0, through: whole, by: step) {
    let at = x(Int64(second) * 1_000_000_000)
    canvas.line(at, y - 6, at, y - 2)
    canvas.text("\(second) s", at, y + 10, "middle")
  }
}

/// Errors of one half second, by kind.
private struct Bin {
  let start: Int64
  let counts: [(fate: RequestOutcome, count: Int)]
  var total: Int { counts.map(\.count).reduce(0, +) }
}

private let binWidth: Int64 = 500_000_000

/// The errors by their end, from the beginning of the update. Half seconds without errors are left out.
private func histogram(_ outcome: Outcome) -> [Bin] {
  let bins = Dictionary(grouping: outcome.errors) { max(0, $0.end - outcome.begin) / binWidth }
  return bins.map { index, errors in
    let counts = RequestOutcome.allCases.map { fate in (fate, errors.filter { $0.fate == fate }.count) }.filter {
      $0.1 > 0
    }
    return Bin(start: index * binWidth, counts: counts)
  }
}

extension RequestOutcome {
  fileprivate var meaning: String {
    switch self {
    case .answered: "answered"
    case .refused: "refused by the load balancer"
    case .reset: "reset in the middle of an answer"
    case .badGateway: "502: reset before an answer"
    case .unavailable: "503: refused"
    case .gatewayTimeout: "504: no response in time"
    case .timeout: "timeout"
    case .other: "other"
    }
  }
}

private func colour(_ fate: RequestOutcome) -> String {
  switch fate {
  case .answered: "#2da44e"
  case .refused: "#8250df"
  case .reset: "#0969da"
  case .badGateway: "#e09f3e"
  case .unavailable: "#cf222e"
  case .gatewayTimeout: "#1b7c83"
  case .timeout: "#57606a"
  case .other: "#24292f"
  }
}
