import TestSupport

/// The elements of an SVG picture that is 900 pixels wide.
struct SVGCanvas {
  private var elements = ""

  mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String) {
    elements +=
      "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" height=\"\(number(height))\" "
      + "fill=\"\(fill)\"/>\n"
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
    elements += "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>\n"
  }

  /// `style` is a class of the style sheet below.
  mutating func text(_ text: String, _ x: Double, _ y: Double, _ style: String = "plain") {
    elements += "<text x=\"\(number(x))\" y=\"\(number(y))\" class=\"\(style)\">\(text)</text>\n"
  }

  /// The whole file. The background is white, for pages with a dark one.
  func document(height: Double) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" width="900" height="\(number(height))" viewBox="0 0 900 \(number(height))">
    <style>
    text { font: 12px system-ui, sans-serif; fill: #24292f }
    .title { font-size: 14px; font-weight: 600 }
    .panel { font-weight: 600 }
    .end { text-anchor: end }
    .small { font-size: 11px; fill: #57606a }
    .middle { text-anchor: middle; fill: #57606a }
    .good { fill: #1a7f37; font-weight: 600 }
    .bad { fill: #cf222e }
    line { stroke: #8c959f; stroke-width: 1 }
    </style>
    <rect width="900" height="\(number(height))" fill="#ffffff"/>
    \(elements)</svg>

    """
  }

  private func number(_ value: Double) -> String { fixed(value, 1) }
}
