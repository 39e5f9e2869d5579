import Primitives
import Supervision

// Only the tests compare these. In the binary the comparison of strings would link Unicode tables.

extension LogRecord: Equatable {
  /// Equal if both print the same line of JSON.
  package static func == (left: LogRecord, right: LogRecord) -> Bool { left.json == right.json }

  /// The line of JSON, with 1970-01-01 as its time.
  var json: String { String(decoding: line(.json, unixMilliseconds: 0), as: UTF8.self) }
}

extension Action: Equatable {
  /// Equal if kind and values are.
  package static func == (left: Action, right: Action) -> Bool {
    switch (left, right) {
    case (.send(let a, let b), .send(let c, let d)): a == c && b == d
    case (.killDescendants(let a), .killDescendants(let b)): a == b
    case (.findChildren, .findChildren), (.findGroup, .findGroup): true
    case (.signalLeftovers(let a, let b), .signalLeftovers(let c, let d)): a == c && b == d
    case (.findListening(let a), .findListening(let b)): a == b
    case (.killChildren, .killChildren), (.lookForSurvivors, .lookForSurvivors): true
    case (.suspend, .suspend), (.probe, .probe), (.abandonProbe, .abandonProbe), (.killHook, .killHook): true
    case (.count(let a), .count(let b)): a == b
    case (.startHook(let a), .startHook(let b)): a == b
    case (.writeTerminationMessage(let a), .writeTerminationMessage(let b)): a == b
    case (.log(let a), .log(let b)): a == b
    case (.exit(let a, let b), .exit(let c, let d)): a == c && b == d
    default: false
    }
  }
}

/// Swift Testing has a type of this name too.
typealias ExitStatus = Primitives.ExitStatus
