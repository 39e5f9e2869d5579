import Glibc

/// The way to stop an app: a preStop sleep, an init or ebb.
struct ShutdownStrategy: Sendable {
  let kind: Kind
  /// The preStop sleep or ebb's delay, in milliseconds.
  var wait = 0
  /// The words before those of the app.
  let wrapper: [String]
  /// The protocol of the app's port for `--ports`, or `nil`.
  var speaks: String?
  /// The signal that the orchestrator sends.
  let stopSignal: Int32

  enum Kind: Sendable {
    case noInit, tini, sleep, ebb
    /// ebb without options; its delay may be shorter than the lag.
    case ebbDefaults
  }

  /// The words before those of an app that listens on this port.
  func words(port: UInt16) -> [String] {
    guard let speaks else { return wrapper }
    return wrapper.dropLast() + ["--ports", "\(port)=\(speaks)", "--"]
  }

  /// The name in the table.
  var name: String {
    switch kind {
    case .noInit: "no init"
    case .tini: "tini"
    case .sleep: "tini, preStop sleep \(seconds(wait))"
    case .ebb: "ebb --delay \(seconds(wait))" + (speaks.map { " --ports PORT=\($0)" } ?? "")
    case .ebbDefaults: "ebb"
    }
  }

  /// All ways to stop that are compared. The signal is the STOPSIGNAL of the app's image. For nginx that is QUIT, because at
  /// TERM it drops the requests in flight. ebb gets TERM, and an option to forward it to nginx as QUIT.
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
      // The first request of a TLS connection from before the stop signal looks answered without the protocol.
      sleep(fitted), ebb(fitted, speaks: app == .tls ? "https" : nil), sleep(schedule.sleep), ebb(schedule.sleep),
    ]
  }
}

/// Milliseconds as text: `3s`, `2.5s`.
func seconds(_ milliseconds: Int) -> String {
  let tenths = milliseconds / 100
  return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
}
