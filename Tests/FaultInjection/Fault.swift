import TestSupport

/// The faults, by their name on the command line.
enum Fault: String, CaseIterable {
  case startup, deadline, storm, simulation, orphans, signals, memory, netlink, proc, clients
  case threads, calls, descriptors, status, files, crowd

  /// Runs the fault. A failure counts as a missed bar, and the other rows still run.
  func findings(_ options: Options) -> [FaultResult] {
    do throws(Failure) {
      switch self {
      case .startup: return try stopsDuringStartup(options)
      case .deadline: return [try deadlineUnderLoad(options)]
      case .storm: return try stormsOfForks(options)
      case .simulation: return [try simulatedRuns(options)]
      case .orphans: return [try orphansReaped(options)]
      case .signals: return [try signalsForwarded(options)]
      case .memory: return [try stopsWithLittleMemory(options)]
      case .netlink: return [try stopsWithoutNetlink(options)]
      case .proc: return [try stopsWithoutProc(options)]
      case .clients: return [try stopsAmongSlowClients(options)]
      case .threads: return [try stopsWithoutThreads(options)]
      case .calls: return [try refusedCalls(options)]
      case .descriptors: return [try fewDescriptors(options)]
      case .status: return [try killsAmongStatusClients(options)]
      case .files: return [try stopsWithHangingFiles(options)]
      case .crowd: return [try killsCrowds(options)]
      }
    } catch {
      return [
        FaultResult(rawValue, tried: 0, lost: 0, measured: error.description, bar: "can be tried", reached: false)
      ]
    }
  }
}

/// One row: the fault, the number of tries, and the result.
struct FaultResult {
  let fault: String
  let tried: Int
  let lost: Int
  let measured: String
  let bar: String
  let reached: Bool

  /// - Parameters:
  ///   - fault: The fault.
  ///   - tried: The number of tries.
  ///   - lost: Tries that did not end as required. Must be 0.
  ///   - measured: Other measured values.
  ///   - bar: The additional requirement.
  ///   - reached: Whether it is met.
  init(_ fault: String, tried: Int, lost: Int, measured: String, bar: String, reached: Bool = true) {
    (self.fault, self.tried, self.lost, self.measured, self.bar) = (fault, tried, lost, measured, bar)
    self.reached = reached && lost == 0
  }
}

final class Report {
  private let options: Options
  private var findings: [FaultResult] = []

  init(_ options: Options) { self.options = options }

  /// Whether anything was lost or a bar missed.
  var missed: Bool { findings.contains { !$0.reached } }

  func add(_ more: [FaultResult]) { findings += more }

  /// The machine and one line per fault.
  var text: String {
    let lines = findings.map {
      [$0.fault, "\($0.tried)", "\($0.lost)", $0.measured, $0.bar, $0.reached ? "ok" : "MISSED"]
    }
    let table = Table(["fault", "tried", "lost", "measured", "bar", "verdict"], lines).text(markdown: options.markdown)
    return "\(machine()), \(options.quick ? "quick run" : "full run")\n\n\(table)"
  }
}
