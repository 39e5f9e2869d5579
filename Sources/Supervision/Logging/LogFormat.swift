/// `--log`: one line an event, as logfmt or as JSON.
package enum LogFormat: Sendable {
  case text
  case json
}
