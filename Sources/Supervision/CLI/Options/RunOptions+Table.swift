extension RunOptions {
  /// In the order of `--help`: the life of a stop, then signals, then the rest.
  package static let table: [Option<RunOptions>] = [
    Option(
      name: "delay", value: "D", standard: "5s (1)",
      help:
        "after the stop signal the app is left untouched and serving for D. Never shortened by counting connections; "
        + "one that was given is kept also where nothing listens"
    ) { options, text throws(Unacceptable) in options.delay = try span(text) },
    Option(
      name: "drain", value: "MODE", standard: "idle",
      help: "after the delay: time = wait no further, idle = until no request is in flight and traffic is quiet, "
        + "zero = until no inbound connection is established"
    ) { options, text throws(Unacceptable) in options.drain = try drainMode(text) },
    Option(drainTimeout: { options, span in options.drainTimeout = span }, standard: "10s (1)"),
    Option(drainQuiet: { options, span in options.drainQuiet = span }, standard: "2s (1)"),
    Option(
      name: "ports", value: "LIST", standard: "found",
      help: "the app's listening ports, each PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp); "
        + "found = the ports its process tree listens on"
    ) { options, text throws(Unacceptable) in options.ports = try portList(text) },
    Option(
      name: "grace", value: "D", standard: "all that is left",
      help: "from forwarding the stop signal to SIGKILL"
    ) { options, text throws(Unacceptable) in options.grace = try span(text) },
    Option(
      name: "termination-grace-period", short: "t", value: "D", standard: "30s (1)",
      help: "what the orchestrator allows from its signal to its own SIGKILL (Kubernetes "
        + "terminationGracePeriodSeconds minus any preStop; docker stop --time; ECS stopTimeout)"
    ) { options, text throws(Unacceptable) in options.terminationGracePeriod = try span(text) },
    Option(
      name: "kill-margin", value: "D", standard: "1s (1)",
      help: "SIGKILL happens at the latest this long before the orchestrator's, so that exit and report still happen"
    ) { options, text throws(Unacceptable) in options.killMargin = try span(text) },
    Option(
      name: "leftover-timeout", value: "D", standard: "all that is left in a stop, else 2s",
      help:
        "when the command has exited, how long the processes it left behind may take (never past the kill deadline), "
        + "before SIGKILL"
    ) { options, text throws(Unacceptable) in options.leftoverTimeout = try span(text) },
    Option(
      name: "stop-signals", value: "LIST", standard: "auto",
      help: "incoming signals that begin the graceful stop; auto: TERM, and the signal that the command itself takes "
        + "for its graceful stop (2)"
    ) { options, text throws(Unacceptable) in
      options.stopSignalsAreGiven = true
      options.recognisesServers = text.isSame(as: "auto")
      options.stopSignals = options.recognisesServers ? SignalSet([.terminate]) : try forwardable(list: text)
    },
    Option(
      name: "rewrite", short: "r", value: "FROM:TO",
      help: "forward FROM as TO (TERM:QUIT for nginx); TO = 0 drops it", repeatable: true
    ) { options, text throws(Unacceptable) in
      let rule = try rewrite(text)
      options.rewrites.add(from: rule.from, to: rule.to)
    },
    Option(name: "group", short: "g", help: "signal the command's process group, not the command alone") {
      options, text throws(Unacceptable) in options.signalsGroup = try flag(text)
    },
    Option(name: "session", help: "start the command in a new session (setsid), not only a new process group") {
      options, text throws(Unacceptable) in options.newSession = try flag(text)
    },
    Option(
      name: "subreaper", short: "s", standard: "on",
      help: "accepted for tini's users: ebb is always a child subreaper when it is not PID 1"
    ) { _, text throws(Unacceptable) in _ = try flag(text) },
    Option(
      name: "parent-death-signal", short: "p", value: "SIG", help: "the signal ebb itself gets when its parent dies"
    ) { options, text throws(Unacceptable) in options.parentDeathSignal = try signal(text) },
    Option(
      name: "remap-exit", short: "e", value: "CODE[:TO]",
      help: "exit with TO (default 0) where the command's code is CODE", repeatable: true
    ) { options, text throws(Unacceptable) in options.remaps.append(try remap(text)) },
    Option(name: "warn-reaped", short: "w", help: "a log line for each reaped orphan") {
      options, text throws(Unacceptable) in options.warnsReaped = try flag(text)
    },
    Option(
      name: "ready-tcp", value: "PORT",
      help:
        "the command is ready when something listens on this port of a loopback address; before that the phase is starting"
    ) { options, text throws(Unacceptable) in options.readyTCP = try port(text) },
    Option(
      name: "ready-http", value: "URL",
      help: "the command is ready when a GET of this URL is answered with 2xx or 3xx; before that the phase is starting"
    ) { options, text throws(Unacceptable) in options.readyHTTP = try url(text) },
    Option(
      name: "startup-timeout", value: "D", standard: "0 (none)",
      help: "not ready by then: stop the command and exit 124"
    ) { options, text throws(Unacceptable) in options.startupTimeout = try span(text) },
    Option(
      name: "health", value: "[ADDR:]PORT", standard: "off",
      help: "HTTP endpoint of ebb's own: /readyz, /livez, /status, /metrics"
    ) { options, text throws(Unacceptable) in options.health = try healthAddress(text) },
    Option(
      name: "ready-hold", value: "D", standard: "0s",
      help: "keep reporting ready for D after the stop signal (externalTrafficPolicy Local, single replica)"
    ) { options, text throws(Unacceptable) in options.readyHold = try span(text) },
    Option(
      name: "pre-stop", value: "COMMAND",
      help: "run this (no shell; quotes understood) at the stop signal, beside the delay; the drain does not end "
        + "before it has exited, the bounds hold all the same"
    ) { options, text throws(Unacceptable) in options.preStop = try command(text) },
    Option(
      name: "termination-log", value: "PATH", standard: "/dev/termination-log if it exists",
      help: "the final report is written there and so shows in the pod's status"
    ) { options, text throws(Unacceptable) in options.terminationLog = try path(text) },
    Option(
      name: "log", value: "text|json", standard: "text",
      help: "one line an event on standard error, logfmt or JSON, UTC with milliseconds"
    ) { options, text throws(Unacceptable) in options.logFormat = try format(text) },
    Option(name: "quiet", short: "q", help: "log warnings and errors only") {
      options, text throws(Unacceptable) in options.quiet = try flag(text)
    },
    Option(
      name: "verbose", short: "v", help: "log more: -v from the start, -vv each signal and orphan", repeatable: true
    ) {
      options, text throws(Unacceptable) in options.verboseCount += try level(text)
    },
  ]
}
