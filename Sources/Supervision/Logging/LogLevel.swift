/// The level of a log line. `--quiet` shows warnings and errors; the default adds `info`, the level of a stop's lines;
/// `-v` adds `debug`, `-vv` adds `trace`.
package enum LogLevel: Int, Sendable {
  case fatal, error, warning, info, debug, trace

  var name: String {
    switch self {
    case .fatal: "fatal"
    case .error: "error"
    case .warning: "warning"
    case .info: "info"
    case .debug: "debug"
    case .trace: "trace"
    }
  }

  /// Whether a line of this level is written at a verbosity: -1 for `-q`, 0, 1 for `-v`, 2 for `-vv`.
  package func isShown(at verbosity: Int) -> Bool { rawValue <= LogLevel.info.rawValue + verbosity }
}
