import Primitives

extension RunOptions {
  /// The options in the order of `--help`: the course of a stop, then signals, then all others.
  package static let table: [OptionDefinition<RunOptions>] = [
    OptionDefinition(
      name: "delay", value: "D", defaultText: "5s (1)", parse: parseDuration,
      help:
        "after the stop signal the app is left untouched and serving for D. Never shortened by counting connections; "
        + "one that was given is kept also where nothing listens"
    ) { $0.delay = $1 },
    OptionDefinition(
      name: "drain", value: "MODE", defaultText: "idle", parse: parseDrainMode,
      help: "after the delay: time = wait no further, idle = until no request is in flight and traffic is quiet, "
        + "zero = until no inbound connection is established"
    ) { $0.drain = $1 },
    OptionDefinition(drainTimeout: { $0.drainTimeout = $1 }, defaultText: "10s (1)"),
    OptionDefinition(drainQuiet: { $0.drainQuiet = $1 }, defaultText: "2s (1)"),
    OptionDefinition(
      name: "ports", value: "LIST", defaultText: "found", parse: parsePortList,
      help: "the app's listening ports, each PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp); "
        + "found = the ports its process tree listens on"
    ) { $0.ports = $1 },
    OptionDefinition(
      name: "grace", value: "D", defaultText: "all that is left", parse: parseDuration,
      help: "from forwarding the stop signal to SIGKILL"
    ) { $0.grace = $1 },
    OptionDefinition(
      name: "termination-grace-period", short: "t", value: "D", defaultText: "30s (1)", parse: parseDuration,
      help: "what the orchestrator allows from its signal to its own SIGKILL (Kubernetes "
        + "terminationGracePeriodSeconds minus any preStop; docker stop --time; ECS stopTimeout)"
    ) { $0.terminationGracePeriod = $1 },
    OptionDefinition(
      name: "kill-margin", value: "D", defaultText: "1s (1)", parse: parseDuration,
      help: "SIGKILL happens at the latest this long before the orchestrator's, so that exit and report still happen"
    ) { $0.killMargin = $1 },
    OptionDefinition(
      name: "leftover-timeout", value: "D", defaultText: "all that is left in a stop, else 2s", parse: parseDuration,
      help:
        "when the command has exited, how long the processes it left behind may take (never past the kill deadline), "
        + "before SIGKILL"
    ) { $0.leftoverTimeout = $1 },
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
    OptionDefinition(
      name: "group", short: "g", parse: parseFlag, help: "signal the command's process group, not the command alone"
    ) { $0.targetsProcessGroup = $1 },
    OptionDefinition(
      name: "session", parse: parseFlag,
      help: "start the command in a new session (setsid), not only a new process group"
    ) { $0.newSession = $1 },
    OptionDefinition(
      name: "subreaper", short: "s", defaultText: "on",
      help: "accepted for tini's users: ebb is always a child subreaper when it is not PID 1"
    ) { _, text throws(InvalidValue) in _ = try parseFlag(text) },
    OptionDefinition(
      name: "parent-death-signal", short: "p", value: "SIG", parse: parseSignal,
      help: "the signal ebb itself gets when its parent dies"
    ) { $0.parentDeathSignal = $1 },
    OptionDefinition(
      name: "remap-exit", short: "e", value: "CODE[:TO]", parse: parseExitCodeRemap,
      help: "exit with TO (default 0) where the command's code is CODE", repeatable: true
    ) { $0.exitCodeRemaps.append($1) },
    OptionDefinition(
      name: "warn-reaped", short: "w", parse: parseFlag, help: "a log line for each reaped orphan"
    ) { $0.logsReapedOrphans = $1 },
    OptionDefinition(
      name: "ready-tcp", value: "PORT", parse: parsePort,
      help:
        "the command is ready when something listens on this port of a loopback address; before that the phase is starting"
    ) { $0.readyTCP = $1 },
    OptionDefinition(
      name: "ready-http", value: "URL", parse: parseURL,
      help: "the command is ready when a GET of this URL is answered with 2xx or 3xx; before that the phase is starting"
    ) { $0.readyHTTP = $1 },
    OptionDefinition(
      name: "startup-timeout", value: "D", defaultText: "0 (none)", parse: parseDuration,
      help: "not ready by then: stop the command and exit 124"
    ) { $0.startupTimeout = $1 },
    OptionDefinition(
      name: "health", value: "[ADDR:]PORT", defaultText: "off", parse: parseHealthAddress,
      help: "HTTP endpoint of ebb's own: /readyz, /livez, /status, /metrics"
    ) { $0.health = $1 },
    OptionDefinition(
      name: "ready-hold", value: "D", defaultText: "0s", parse: parseDuration,
      help: "keep reporting ready for D after the stop signal (externalTrafficPolicy Local, single replica)"
    ) { $0.readyHold = $1 },
    OptionDefinition(
      name: "pre-stop", value: "COMMAND", parse: parseCommand,
      help: "run this (no shell; quotes understood) at the stop signal, beside the delay; the drain does not end "
        + "before it has exited, the bounds hold all the same"
    ) { $0.preStop = $1 },
    OptionDefinition(
      name: "termination-log", value: "PATH", defaultText: "/dev/termination-log if it exists", parse: parsePath,
      help: "the final report is written there and so shows in the pod's status"
    ) { $0.terminationLog = $1 },
    OptionDefinition(
      name: "log", value: "text|json", defaultText: "text", parse: parseLogFormat,
      help: "one line an event on standard error, logfmt or JSON, UTC with milliseconds"
    ) { $0.logFormat = $1 },
    OptionDefinition(
      name: "quiet", short: "q", parse: parseFlag, help: "log warnings and errors only"
    ) { $0.quiet = $1 },
    OptionDefinition(
      name: "verbose", short: "v", parse: parseVerbosity,
      help: "log more: -v from the start, -vv each signal and orphan", repeatable: true
    ) { $0.verboseCount += $1 },
  ]
}
