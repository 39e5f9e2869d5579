/// How long everything takes, in milliseconds, and how much traffic there is.
struct Schedule: Sendable {
  /// The apps that are updated.
  let apps: [App]
  /// From the beginning of a stop until the load balancer knows of it.
  let lags: [Int]
  /// What somebody adds to the lag who knows it.
  let margin: Int
  /// A preStop sleep as it is usually chosen: enough for the longest lag and the longest request.
  let sleep: Int
  /// terminationGracePeriodSeconds: from the beginning of a stop, a preStop sleep included, to SIGKILL.
  let grace: Int
  /// ebb's options about the drain.
  let drain: [String]
  /// Clients of each kind, that is with and without keep-alive, that ask for what is answered at once.
  let quickClients: Int
  /// Between the beginnings of two requests of such a client.
  let pause = 80
  /// Clients of each kind that ask for what takes `slow`, one request after the other.
  let slowClients: Int
  var slow = 2000
  /// Before the first replacement and after the last.
  let calm = 1000
  /// So many rolling updates go on side by side, so that all ways have the same machine.
  let runsAtOnce: Int
  /// How many requests ebb's runs have to see together.
  let fewestRequests: Int
  /// Not where tests run beside this.
  let judgesTimes: Bool

  /// The shortest wait that is safe for requests that are answered at once.
  func fittedWait(lag: Int) -> Int { lag + margin }

  static let long = Schedule(
    apps: [.nginx, .plain], lags: [500, 2000, 5000], margin: 1000, sleep: 10_000, grace: 30_000, drain: [],
    quickClients: 8, slowClients: 8,
    runsAtOnce: 6, fewestRequests: 20_000, judgesTimes: true)

  static let short = Schedule(
    apps: [.nginx, .plain], lags: [500], margin: 5000, sleep: 6000, grace: 16_000,
    drain: ["--drain-timeout", "6s", "--drain-quiet", "1s"], quickClients: 3, slowClients: 2,
    runsAtOnce: 12, fewestRequests: 1000, judgesTimes: false)

  /// Every request opens a connection, and a TLS handshake takes two processors some milliseconds.
  static let tls = Schedule(
    apps: [.tls], lags: [2000], margin: 1000, sleep: 10_000, grace: 30_000, drain: [], quickClients: 2, slowClients: 8,
    runsAtOnce: 6, fewestRequests: 1000, judgesTimes: false)

  /// A slow request that came just before the load balancer learned of the stop is in flight when the delay ends.
  static let shortTLS = Schedule(
    apps: [.tls], lags: [500], margin: 2500, sleep: 6000, grace: 16_000,
    drain: ["--drain-timeout", "6s", "--drain-quiet", "1s"], quickClients: 1, slowClients: 8, slow: 4000,
    runsAtOnce: 6, fewestRequests: 200, judgesTimes: false)
}
