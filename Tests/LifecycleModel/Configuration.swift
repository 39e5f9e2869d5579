import Primitives
import Supervision

/// Options under which the lifecycle is tested.
package struct Configuration: Sendable, CustomStringConvertible {
  package let description: String
  package let options: RunOptions
  /// Whether /proc lists ebb's children.
  let hasProc: Bool
  /// The command is an ebb itself.
  let commandSupervises: Bool

  init(
    _ description: String, hasProc: Bool = true, commandSupervises: Bool = false, _ change: (inout RunOptions) -> Void
  ) {
    var options = RunOptions()
    options.quiet = true
    options.orchestrator = .kubernetes
    change(&options)
    (self.description, self.options) = (description, options)
    (self.hasProc, self.commandSupervises) = (hasProc, commandSupervises)
  }

  package static let all = [
    Configuration("standard") { _ in },
    Configuration("no delay") { $0.delay = .zero },
    Configuration("a delay that was given") { $0.delay = .seconds(5) },
    Configuration("the likely times of Docker, without /proc", hasProc: false) { $0.orchestrator = .unknown },
    Configuration("a group, without /proc", hasProc: false) { $0.targetsProcessGroup = true },
    Configuration("above another supervisor", commandSupervises: true) {
      $0.delay = .seconds(5)
      $0.grace = .seconds(3)
      $0.preStop = ["hook"]
      $0.readyHold = .seconds(2)
    },
    Configuration("short grace") { $0.grace = .milliseconds(500) },
    Configuration("no time at all") {
      ($0.delay, $0.grace, $0.killMargin, $0.terminationGracePeriod) = (.zero, .zero, .zero, .zero)
      $0.leftoverTimeout = .zero
    },
    Configuration("group, rewritten, long leftover time") {
      $0.targetsProcessGroup = true
      $0.rewrites.add(from: .sigterm, to: .sigusr2)
      $0.leftoverTimeout = .seconds(100)
    },
    Configuration("dropped stop signal") { $0.rewrites.add(from: .sigterm, to: nil) },
    Configuration("asked whether it is ready") { $0.readyTCP = 80 },
    Configuration("has to be ready in time, with a hook and kept ready") {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(3)
      $0.preStop = ["hook"]
      $0.readyHold = .seconds(2)
      $0.exitCodeRemaps = [ExitCodeRemap(from: 124, to: 0)]
    },
    Configuration("waits for no connection") { $0.drain = .time },
    Configuration("until no connection is left, asked whether it is ready") {
      $0.drain = .zero
      $0.readyTCP = 80
    },
    Configuration("ports are given, no delay, a hook") {
      $0.ports = [80]
      $0.delay = .zero
      $0.preStop = ["hook"]
    },
    Configuration("in tini's place, asleep") { $0.sleep(as: .tini) },
    Configuration("in dumb-init's place, asleep, with a rewritten farewell") {
      ($0.targetsProcessGroup, $0.newSession) = (true, true)
      $0.rewrites.add(from: .sigterm, to: .sigusr2)
      $0.rewrites.add(from: .sigtstp, to: .stop)
      $0.sleep(as: .dumbInit)
    },
    Configuration("hook with little time") {
      $0.preStop = ["hook"]
      $0.delay = .zero
      $0.drainTimeout = .seconds(3)
      $0.terminationGracePeriod = .seconds(4)
      $0.readyHold = .seconds(60)
    },
  ]
}
