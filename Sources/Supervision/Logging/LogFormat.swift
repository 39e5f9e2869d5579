/// `--log`: the format of log lines, logfmt or JSON.
package enum LogFormat: Sendable {
  case text
  case json
}
