import Primitives

extension RunOptions {
  /// The output of `ebb --help`, from the table of options.
  package static var help: String {
    var text = """
      ebb \(ebbVersion): runs COMMAND as its child; at a stop signal lets traffic ebb away, then stops it in time

      usage: ebb [OPTION...] [--] COMMAND [ARG...]         supervise COMMAND
             ebb status [OPTION...]                        what the supervisor is doing, and every process
             ebb probe [OPTION...]                         readiness or liveness by exit code
             ebb stop [OPTION...]                          begin the graceful stop
             ebb drain [OPTION...]                         wait until connections are idle; stop nothing
             ebb smoke [OPTION...] [--] COMMAND [ARG...]   is the shutdown of COMMAND clean?
             ebb plan [OPTION...]                          the timeline of a stop; start nothing
             ebb install /PATH                             copy this program there
      Each of these has its own --help. ebb -- status runs a program called status.

      """
    text += optionsHelp(table.map { $0.spec })
    text += """

      (1) Defaults fit; only what was asked for can be refused. With t the termination grace period:
      delay min(5s, t/6), drain-timeout min(10s, t/3) and at most half of what the given values and the
      kill margin leave, drain-quiet min(2s, drain-timeout/2), kill-margin min(1s, t/10); where no grace
      is given, min(1s, t/10) is kept for it. A delay that was not given shrinks to what the given values
      leave. Without -t, t is 30s in Kubernetes and ECS; elsewhere delay and drain are those of t = 10s
      (Nomad 5s), and the kill deadline is that of 30s. An empty variable is an unset one.

      (2) QUIT for nginx, openresty and php-fpm, WINCH for httpd, USR1 for haproxy, INT for postgres
      and lighttpd, recognised by the command's name when the signal comes.

      Every option has a variable: EBB_ and the name in capitals, dashes as underscores
      (EBB_STOP_SIGNALS=TERM,QUIT); repeatable ones take a comma list; a flag beats its variable.
      Durations: 10s, 500ms, 1m30s, a bare number is seconds. Signals: TERM, SIGTERM, 15, RTMIN+3.

      Exit code: the command's; 128+n where signal n killed it; 124 not ready in time;
      125 ebb itself failed; 126 found but not executable; 127 not found.

      """
    return text
  }
}

/// Returns the output of `ebb NAME --help`.
func commandHelp(_ name: String, _ purpose: String, _ options: [OptionSpec], exitCodes: String) -> String {
  "ebb \(name): \(purpose)\n\nusage: ebb \(name) [OPTION...]\n\n\(optionsHelp(options))\nExit code: \(exitCodes).\n"
}

let installHelp = """
  ebb install: copies this program, for images that have no cp

  usage: ebb install /PATH

  /PATH is a folder or a file name. The file has mode 0755, and is there whole or not at all.
  Exit code: 0; 125 if it could not be written.

  """

func optionsHelp(_ options: [OptionSpec]) -> String {
  var text = ""
  for option in options {
    text += "  \(option.short.map { "-\($0), " } ?? "    ")--\(option.name)\(option.value.map { " " + $0 } ?? "")\n"
    let defaultText = option.defaultText.map { " (default: \($0))" } ?? ""
    let repeatable = option.repeatable ? "; repeatable" : ""
    text += wrapped(option.help + repeatable + defaultText, indent: 10, width: 80)
  }
  return text + """
      -h, --help
              print this and exit
      -V, --version
              print the version and exit

    """
}

private func wrapped(_ text: String, indent: Int, width: Int) -> String {
  let margin = String(repeating: " ", count: indent)
  var lines = ""
  var line = ""
  for word in text.split(onByte: UInt8(ascii: " ")) {
    if indent + line.utf8.count + 1 + word.utf8.count > width {
      lines += margin + line + "\n"
      line = word
    } else {
      line += line.utf8.isEmpty ? word : " " + word
    }
  }
  return lines + margin + line + "\n"
}
