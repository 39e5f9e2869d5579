import Primitives

extension RunOptions {
  /// The options in the order of `--help`: the course of a stop, then signals, then all others.
  package static let table: [OptionDefinition<RunOptions>] = [
    OptionDefinition(
      name: "delay", value: "D", defaultText: "5s (1)",
      help:
        "after the stop signal the app is left untouched and serving for D. Never shortened by counting connections; "
        + "one that was given is kept also where nothing listens"
    ) { options, text throws(InvalidValue) in options.delay = try parseDuration(text) },
    OptionDefinition(
      name: "drain", value: "MODE", defaultText: "idle",
      help: "after the delay: time = wait no further, idle = until no request is in flight and traffic is quiet, "
        + "zero = until no inbound connection is established"
    ) { options, text throws(InvalidValue) in options.drain = try parseDrainMode(text) },
    OptionDefinition(drainTimeout: { options, span in options.drainTimeout = span }, defaultText: "10s (1)"),
    OptionDefinition(drainQuiet: { options, span in options.drainQuiet = span }, defaultText: "2s (1)"),
    OptionDefinition(
      name: "ports", value: "LIST", defaultText: "found",
      help: "the app's listening ports, each PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp); "
        + "found = the ports its process tree listens on"
    ) { options, text throws(InvalidValue) in options.ports = try parsePortList(text) },
    OptionDefinition(
      name: "grace", value: "D", defaultText: "all that is left",
      help: "from forwarding the stop signal to SIGKILL"
    ) { options, text throws(InvalidValue) in options.grace = try parseDuration(text) },
    OptionDefinition(
      name: "termination-grace-period", short: "t", value: "D", defaultText: "30s (1)",
      help: "what the orchestrator allows from its signal to its own SIGKILL (Kubernetes "
        + "terminationGracePeriodSeconds minus any preStop; docker stop --time; ECS stopTimeout)"
    ) { options, text throws(InvalidValue) in options.terminationGracePeriod = try parseDuration(text) },
    OptionDefinition(
      name: "kill-margin", value: "D", defaultText: "1s (1)",
      help: "SIGKILL happens at the latest this long before the orchestrator's, so that exit and report still happen"
    ) { options, text throws(InvalidValue) in options.killMargin = try parseDuration(text) },
    OptionDefinition(
      name: "leftover-timeout", value: "D", defaultText: "all that is left in a stop, else 2s",
      help:
        "when the command has exited, how long the processes it left behind may take (never past the kill deadline), "
        + "before SIGKILL"
    ) { options, text throws(InvalidValue) in options.leftoverTimeout = try parseDuration(text) },
    OptionDefinition(
      name: "stop-signals", value: "LIST", defaultText: "auto",
      help: "incoming signals that begin the graceful stop; auto: TERM, and the signal that the command itself takes "
        + "for its graceful stop (2)"
    ) { options, text throws(InvalidValue) in
      options.stopSignalsAreGiven = true
      options.recognisesServers = text.bytesEqual("auto")
      options.stopSignals = options.recognisesServers ? SignalSet([.sigterm]) : try parseForwardableSignals(text)
    },
    OptionDefinition(
      name: "rewrite", short: "r", value: "FROM:TO",
      help: "forward FROM as TO (TERM:QUIT for nginx); TO = 0 drops it", repeatable: true
    ) { options, text throws(InvalidValue) in
      let rule = try parseRewrite(text)
      options.rewrites.add(from: rule.from, to: rule.to)
    },
    OptionDefinition(name: "group", short: "g", help: "signal the command's process group, not the command alone") {
      options, text throws(InvalidValue) in options.targetsProcessGroup = try parseFlag(text)
    },
    OptionDefinition(name: "session", help: "start the command in a new session (setsid), not only a new process group")
    {
      options, text throws(InvalidValue) in options.newSession = try parseFlag(text)
    },
    OptionDefinition(
      name: "subreaper", short: "s", defaultText: "on",
      help: "accepted for tini's users: ebb is always a child subreaper when it is not PID 1"
    ) { _, text throws(InvalidValue) in _ = try parseFlag(text) },
    OptionDefinition(
      name: "parent-death-signal", short: "p", value: "SIG", help: "the signal ebb itself gets when its parent dies"
    ) { options, text throws(InvalidValue) in options.parentDeathSignal = try parseSignal(text) },
    OptionDefinition(
      name: "remap-exit", short: "e", value: "CODE[:TO]",
      help: "exit with TO (default 0) where the command's code is CODE", repeatable: true
    ) { options, text throws(InvalidValue) in options.exitCodeRemaps.append(try parseExitCodeRemap(text)) },
    OptionDefinition(name: "warn-reaped", short: "w", help: "a log line for each reaped orphan") {
      options, text throws(InvalidValue) in options.logsReapedOrphans = try parseFlag(text)
    },
    OptionDefinition(
      name: "ready-tcp", value: "PORT",
      help:
        "the command is ready when something listens on this port of a loopback address; before that the phase is starting"
    ) { options, text throws(InvalidValue) in options.readyTCP = try parsePort(text) },
    OptionDefinition(
      name: "ready-http", value: "URL",
      help: "the command is ready when a GET of this URL is answered with 2xx or 3xx; before that the phase is starting"
    ) { options, text throws(InvalidValue) in options.readyHTTP = try parseURL(text) },
    OptionDefinition(
      name: "startup-timeout", value: "D", defaultText: "0 (none)",
      help: "not ready by then: stop the command and exit 124"
    ) { options, text throws(InvalidValue) in options.startupTimeout = try parseDuration(text) },
    OptionDefinition(
      name: "health", value: "[ADDR:]PORT", defaultText: "off",
      help: "HTTP endpoint of ebb's own: /readyz, /livez, /status, /metrics"
    ) { options, text throws(InvalidValue) in options.health = try parseHealthAddress(text) },
    OptionDefinition(
      name: "ready-hold", value: "D", defaultText: "0s",
      help: "keep reporting ready for D after the stop signal (externalTrafficPolicy Local, single replica)"
    ) { options, text throws(InvalidValue) in options.readyHold = try parseDuration(text) },
    OptionDefinition(
      name: "pre-stop", value: "COMMAND",
      help: "run this (no shell; quotes understood) at the stop signal, beside the delay; the drain does not end "
        + "before it has exited, the bounds hold all the same"
    ) { options, text throws(InvalidValue) in options.preStop = try parseCommand(text) },
    OptionDefinition(
      name: "termination-log", value: "PATH", defaultText: "/dev/termination-log if it exists",
      help: "the final report is written there and so shows in the pod's status"
    ) { options, text throws(InvalidValue) in options.terminationLog = try parsePath(text) },
    OptionDefinition(
      name: "log", value: "text|json", defaultText: "text",
      help: "one line an event on standard error, logfmt or JSON, UTC with milliseconds"
    ) { options, text throws(InvalidValue) in options.logFormat = try parseLogFormat(text) },
    OptionDefinition(name: "quiet", short: "q", help: "log warnings and errors only") {
      options, text throws(InvalidValue) in options.quiet = try parseFlag(text)
    },
    OptionDefinition(
      name: "verbose", short: "v", help: "log more: -v from the start, -vv each signal and orphan", repeatable: true
    ) {
      options, text throws(InvalidValue) in options.verboseCount += try parseVerbosity(text)
    },
  ]
}
