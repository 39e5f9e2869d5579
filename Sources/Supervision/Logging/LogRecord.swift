import Primitives

/// One event for the log: a level, an event name, fields and a message.
package struct LogRecord: Sendable {
  package let level: LogLevel
  /// The phase entered, or a short fixed word.
  package let event: String
  /// The fields in the order in which they are shown.
  package let fields: [Field]
  package let message: String

  package struct Field: Sendable {
    /// The JSON key in snake case; times end in `_ms`.
    package let key: String
    package let value: FieldValue

    package init(_ key: String, _ value: FieldValue) { (self.key, self.value) = (key, value) }
  }

  package init(_ level: LogLevel, _ event: String, _ message: String) { self.init(level, event, [], message) }

  package init(_ level: LogLevel, _ event: String, _ fields: [(String, FieldValue)], _ message: String) {
    self.level = level
    self.event = event
    self.fields = fields.map { Field($0.0, $0.1) }
    self.message = message
  }
}

/// The value of a field. Times are whole milliseconds; an absent fact is null.
package enum FieldValue: Sendable {
  case null
  case number(Int)
  case flag(Bool)
  case text(String)
  case object([LogRecord.Field])
  case list([FieldValue])

  /// Null if the amount is `nil`.
  @inline(never)
  package static func span(_ span: TimeAmount?) -> FieldValue { span.map { .number($0.milliseconds) } ?? .null }
  @inline(never)
  static func signal(_ signal: Signal?) -> FieldValue { signal.map { .text($0.name) } ?? .null }
  /// Null if the number is `nil`.
  @inline(never)
  package static func count(_ count: Int?) -> FieldValue { count.map { .number($0) } ?? .null }
}

extension LogRecord {
  /// Encodes the line with its newline: logfmt after `ebb: `, or one JSON object. `unixMilliseconds` is the wall clock,
  /// in milliseconds since 1970-01-01 UTC.
  package func line(_ format: LogFormat, unixMilliseconds: Int) -> [UInt8] {
    let head = [
      Field("time", .text(utcTimestamp(unixMilliseconds: unixMilliseconds))), Field("level", .text(level.name)),
      Field("event", .text(event)),
    ]
    let all = head + fields + [Field("msg", .text(message))]
    var bytes: [UInt8] = []
    switch format {
    case .text where level == .fatal: bytes.append("ebb: fatal: " + message)  // the command never ran
    case .text:
      bytes.append("ebb:")
      for fact in all { bytes.appendLogfmt(fact, prefix: "") }
    case .json: bytes.appendJSON(all)
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}

extension [UInt8] {
  /// One JSON object and a newline.
  package init(jsonLine fields: [LogRecord.Field]) {
    self = []
    appendJSON(fields)
    append("\n")
  }

  /// Appends ` key=value`; fields of an object as ` object.key=value`. Null fields are omitted.
  fileprivate mutating func appendLogfmt(_ fact: LogRecord.Field, prefix: String) {
    if case .object(let fields) = fact.value {
      for inner in fields { appendLogfmt(inner, prefix: prefix + fact.key + ".") }
      return
    }
    if case .null = fact.value { return }
    append(" " + prefix + fact.key + "=")
    switch fact.value {
    case .text(let text) where text.isBareLogfmt: append(text)
    default: append(fact.value)
    }
  }

  fileprivate mutating func appendJSON(_ fields: [LogRecord.Field]) {
    var separator = "{"
    for fact in fields {
      append(separator)
      appendQuoted(fact.key)
      append(UInt8(ascii: ":"))
      append(fact.value)
      separator = ","
    }
    append(fields.isEmpty ? "{}" : "}")
  }

  private mutating func append(_ value: FieldValue) {
    switch value {
    case .null: append("null")
    case .number(let number): append("\(number)")
    case .flag(let flag): append(flag ? "true" : "false")
    case .text(let text): appendQuoted(text)
    case .object(let fields): appendJSON(fields)
    case .list(let values):
      var separator = "["
      for value in values {
        append(separator)
        append(value)
        separator = ","
      }
      append(values.isEmpty ? "[]" : "]")
    }
  }
}

extension String {
  /// Whether the text needs no quotes in logfmt.
  fileprivate var isBareLogfmt: Bool {
    !utf8.isEmpty
      && utf8.allSatisfy {
        $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\\")
      }
  }
}
