import Foundation
import TestSupport

/// The properties of a new process besides its arguments.
struct LaunchOptions {
  /// The options of `TestApp launch`.
  var launch: [String] = []
  /// The whole environment, to which `Run` adds its mark.
  var environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].merging(
    LaunchOptions.withoutTraffic
  ) {
    $1
  }

  /// Most commands under test do not listen, so that ebb would skip their delay, and have no traffic to wait for. Tests
  /// of traffic remove these variables or override them with options.
  static let withoutTraffic = ["EBB_PORTS": "1", "EBB_DRAIN": "time"]

  /// A setup in which ebb discovers ports and waits for traffic.
  static var withTraffic: LaunchOptions {
    var setup = LaunchOptions()
    for name in withoutTraffic.keys { setup.environment[name] = nil }
    return setup
  }

  /// A setup with options of `TestApp launch` in which ebb discovers ports and waits for traffic.
  static func withTraffic(launch: [String]) -> LaunchOptions {
    LaunchOptions(launch: launch, environment: withTraffic.environment)
  }

  /// Whether the test writes to standard input. Otherwise it is empty.
  var typesInput = false
  /// The descriptor of standard error; `nil`: a pipe that the test reads. The caller closes it.
  var error: Int32?
  /// The terminal that is used for all three streams.
  var terminal: Terminal?

  /// A setup with options of `TestApp launch`.
  static func launch(_ options: String...) -> LaunchOptions { LaunchOptions(launch: options) }

  /// A setup with additional variables.
  static func environment(_ variables: [String: String]) -> LaunchOptions {
    var setup = LaunchOptions()
    setup.environment.merge(variables) { $1 }
    return setup
  }
}

/// The standard streams of a new process: the ends that it gets, and those that the test keeps.
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

  /// Closes the ends of the process. Otherwise the test would never read an end of file.
  func closeGiven() {
    for descriptor in Set(given).subtracting(borrowed) { close(descriptor) }
  }
}
