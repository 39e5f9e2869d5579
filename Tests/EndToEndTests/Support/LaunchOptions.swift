import Foundation

/// What a new process gets besides its arguments.
struct LaunchOptions {
  /// Options of `TestApp launch`.
  var launch: [String] = []
  /// The whole environment, but for the mark that the harness adds.
  var environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].merging(
    LaunchOptions.withoutTraffic
  ) {
    $1
  }

  /// Most commands under test listen on nothing, so that ebb would skip their delay; and there is no traffic to wait for
  /// behind it. Tests of traffic take these out, or give options, which beat them.
  static let withoutTraffic = ["EBB_PORTS": "1", "EBB_DRAIN": "time"]

  /// A setup in which ebb finds ports and waits for traffic by itself.
  static var withTraffic: LaunchOptions {
    var setup = LaunchOptions()
    for name in withoutTraffic.keys { setup.environment[name] = nil }
    return setup
  }
  /// Whether the test writes to standard input; it is empty otherwise.
  var typesInput = false
  /// Standard error, where it is not a pipe that the test reads. Stays the caller's.
  var error: Int32?
  /// The terminal that all three streams are.
  var terminal: Terminal?

  /// A setup that differs in the options of `TestApp launch` alone.
  static func launch(_ options: String...) -> LaunchOptions { LaunchOptions(launch: options) }

  /// A setup with these variables beside PATH.
  static func environment(_ variables: [String: String]) -> LaunchOptions {
    var setup = LaunchOptions()
    setup.environment.merge(variables) { $1 }
    return setup
  }
}

/// The ends of a new process's standard streams: those it is given, and those the test keeps.
struct Streams {
  var given: [Int32]
  var out: Int32
  var err: Int32
  var input: Int32 = -1
  private var borrowed: [Int32] = []

  init(_ setup: LaunchOptions) throws {
    if let terminal = setup.terminal {
      let other = try terminal.openOtherSide()
      given = [other, other, other]
      out = fcntl(terminal.descriptor, F_DUPFD_CLOEXEC, 0)
      err = -1
      input = fcntl(terminal.descriptor, F_DUPFD_CLOEXEC, 0)
      return
    }
    let empty = open("/dev/null", O_RDWR | O_CLOEXEC)
    let (outRead, outWrite) = try makePipe()
    out = outRead
    given = [empty, outWrite]
    if let error = setup.error {
      err = -1
      given.append(error)
      borrowed = [error]
    } else {
      let (errRead, errWrite) = try makePipe()
      err = errRead
      given.append(errWrite)
    }
    if setup.typesInput {
      let (inRead, inWrite) = try makePipe()
      given[0] = inRead
      input = inWrite
      close(empty)
    }
  }

  /// The test must not hold the ends it has given away, or it would never see the end of file.
  func closeGiven() {
    for descriptor in Set(given).subtracting(borrowed) { close(descriptor) }
  }
}

/// Held while a process is started, and while a descriptor is open that it must not have: it would keep a pipe from its
/// end, or an executable from being run (ETXTBSY).
let spawning = NSLock()

/// A pipe, close-on-exec: what another test starts at this moment must not have it, or its reader would wait for that too.
func makePipe() throws -> (read: Int32, write: Int32) {
  try spawning.withLock {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure("pipe: errno \(errno)") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// posix_spawn with three streams, and every signal blocked until `TestApp launch` knows better.
func spawn(_ arguments: [String], environment: [String], streams: [Int32]) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for (target, source) in streams.enumerated() {
    posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
  }
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var all = sigset_t()
  sigfillset(&all)
  posix_spawnattr_setsigmask(&attributes, &all)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
  let argv = arguments.map { strdup($0) } + [nil]
  let envp = environment.map { strdup($0) } + [nil]
  defer { (argv + envp).forEach { free($0) } }
  var pid: pid_t = 0
  let error = spawning.withLock { posix_spawn(&pid, arguments[0], &actions, &attributes, argv, envp) }
  guard error == 0 else { throw Failure("cannot start \(arguments): errno \(error)") }
  return pid
}
