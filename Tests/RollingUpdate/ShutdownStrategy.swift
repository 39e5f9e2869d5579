import Glibc

/// What stands between the orchestrator's stop signal and the app.
struct ShutdownStrategy: Sendable {
  let kind: Kind
  /// How long the app is left alone at least, in milliseconds: the preStop sleep, or ebb's delay.
  var wait = 0
  /// The words in front of the app's.
  let wrapper: [String]
  /// What the app's port speaks, where ebb is told so.
  var speaks: String?
  /// The signal that the orchestrator sends.
  let stopSignal: Int32

  enum Kind: Sendable {
    case noInit, tini, sleep, ebb
    /// ebb without any option: its delay may be shorter than the lag.
    case ebbDefaults
  }

  /// The words in front of those of an app that listens on this port.
  func words(port: UInt16) -> [String] {
    guard let speaks else { return wrapper }
    return wrapper.dropLast() + ["--ports", "\(port)=\(speaks)", "--"]
  }

  /// As the table has it.
  var name: String {
    switch kind {
    case .noInit: "no init"
    case .tini: "tini"
    case .sleep: "tini, preStop sleep \(seconds(wait))"
    case .ebb: "ebb --delay \(seconds(wait))" + (speaks.map { " --ports PORT=\($0)" } ?? "")
    case .ebbDefaults: "ebb"
    }
  }

  /// All that are compared. The signal is the one that the app's image asks for, which for nginx is QUIT: under TERM it
  /// would drop what it is answering, and nobody would run it so. ebb gets TERM, and is told of nginx by an option.
  static func all(_ app: App, lag: Int, _ schedule: Schedule, _ programs: Programs) -> [ShutdownStrategy] {
    let tini = [programs.tini, "--"]
    func sleep(_ time: Int) -> ShutdownStrategy {
      ShutdownStrategy(kind: .sleep, wait: time, wrapper: tini, stopSignal: app.stopSignal)
    }
    func ebb(_ delay: Int, speaks: String? = nil) -> ShutdownStrategy {
      let options = ["--delay", "\(delay)ms", "-t", "\(schedule.grace)ms"] + schedule.drain + app.ebbOptions
      return ShutdownStrategy(
        kind: .ebb, wait: delay, wrapper: [programs.ebb] + options + ["--"], speaks: speaks, stopSignal: SIGTERM)
    }
    let fitted = schedule.fittedWait(lag: lag)
    return [
      ShutdownStrategy(kind: .noInit, wrapper: [], stopSignal: app.stopSignal),
      ShutdownStrategy(kind: .tini, wrapper: tini, stopSignal: app.stopSignal),
      // The first request of a TLS connection that came before the stop looks answered, unless ebb knows of the TLS.
      sleep(fitted), ebb(fitted, speaks: app == .tls ? "https" : nil), sleep(schedule.sleep), ebb(schedule.sleep),
    ]
  }
}

/// `3s`, `2.5s`.
func seconds(_ milliseconds: Int) -> String {
  let tenths = milliseconds / 100
  return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
}
