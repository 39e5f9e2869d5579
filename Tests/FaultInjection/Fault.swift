import TestSupport

/// The rows, by the name that the command line takes.
enum Fault: String, CaseIterable {
  case startup, deadline, storm, simulation, orphans, signals, memory, netlink, proc, clients
  case threads, calls, descriptors, status, files, crowd

  /// Tries it. What breaks off is a missed bar, and the other rows are tried all the same.
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
      return [FaultResult(rawValue, tried: 0, lost: 0, measured: error.message, bar: "can be tried", reached: false)]
    }
  }
}

/// One row: what was done, how often, and what came of it.
struct FaultResult {
  let fault: String
  let tried: Int
  let lost: Int
  let measured: String
  let bar: String
  let reached: Bool

  /// - Parameters:
  ///   - fault: What was done.
  ///   - tried: How often.
  ///   - lost: How many of these did not end as they have to. None may be.
  ///   - measured: What else is worth knowing.
  ///   - bar: What has to hold beside.
  ///   - reached: Whether that holds.
  init(_ fault: String, tried: Int, lost: Int, measured: String, bar: String, reached: Bool = true) {
    (self.fault, self.tried, self.lost, self.measured, self.bar) = (fault, tried, lost, measured, bar)
    self.reached = reached && lost == 0
  }
}

/// The table.
final class Report {
  private let options: Options
  private var findings: [FaultResult] = []

  init(_ options: Options) { self.options = options }

  /// Whether anything was lost, or a bar missed.
  var missed: Bool { findings.contains { !$0.reached } }

  func add(_ more: [FaultResult]) { findings += more }

  /// The machine and a line for each fault.
  var text: String {
    let lines = findings.map {
      [$0.fault, "\($0.tried)", "\($0.lost)", $0.measured, $0.bar, $0.reached ? "ok" : "MISSED"]
    }
    let table = Table(["fault", "tried", "lost", "measured", "bar", "verdict"], lines).text(markdown: options.markdown)
    return "\(machine()), \(options.quick ? "quick run" : "full run")\n\n\(table)"
  }
}
