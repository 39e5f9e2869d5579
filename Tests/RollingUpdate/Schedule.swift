/// The times of an experiment in milliseconds, and its traffic.
struct Schedule: Sendable {
  /// The apps that are updated.
  let apps: [App]
  /// Times from the beginning of a stop until the load balancer learns of it.
  let lags: [Int]
  /// The allowance that a user adds to a known lag.
  let margin: Int
  /// A usual preStop sleep, longer than the longest lag plus the longest request.
  let sleep: Int
  /// terminationGracePeriodSeconds: from the beginning of a stop to SIGKILL, including a preStop sleep.
  let grace: Int
  /// ebb's options for the drain.
  let drain: [String]
  /// Clients of each kind (with and without keep-alive) whose requests are answered immediately.
  let quickClients: Int
  /// Interval between two requests of such a client.
  let pause = 80
  /// Clients of each kind whose requests take `slow`, one request after the other.
  let slowClients: Int
  var slow = 2000
  /// Time before the first replacement and after the last.
  let calm = 1000
  /// Updates that run at the same time, so that all ways to stop have the same machine.
  let runsAtOnce: Int
  /// Requests that all runs under ebb together must have at least.
  let fewestRequests: Int
  /// Whether times are judged; not in the tests, which run at the same time as others.
  let judgesTimes: Bool

  /// The shortest wait that is safe for requests that are answered immediately.
  func fittedWait(lag: Int) -> Int { lag + margin }

  static let long = Schedule(
    apps: [.nginx, .plain], lags: [500, 2000, 5000], margin: 1000, sleep: 10_000, grace: 30_000, drain: [],
    quickClients: 8, slowClients: 8,
    runsAtOnce: 6, fewestRequests: 20_000, judgesTimes: true)

  static let short = Schedule(
    apps: [.nginx, .plain], lags: [500], margin: 5000, sleep: 6000, grace: 16_000,
    drain: ["--drain-timeout", "6s", "--drain-quiet", "1s"], quickClients: 3, slowClients: 2,
    runsAtOnce: 12, fewestRequests: 1000, judgesTimes: false)

  /// There are few quick clients, because each request takes a TLS handshake of some milliseconds.
  static let tls = Schedule(
    apps: [.tls], lags: [2000], margin: 1000, sleep: 10_000, grace: 30_000, drain: [], quickClients: 2, slowClients: 8,
    runsAtOnce: 6, fewestRequests: 1000, judgesTimes: false)

  /// A slow request from just before the load balancer learned of the stop is still in flight when the delay ends.
  static let shortTLS = Schedule(
    apps: [.tls], lags: [500], margin: 2500, sleep: 6000, grace: 16_000,
    drain: ["--drain-timeout", "6s", "--drain-quiet", "1s"], quickClients: 1, slowClients: 8, slow: 4000,
    runsAtOnce: 6, fewestRequests: 200, judgesTimes: false)
}
