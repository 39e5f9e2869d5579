import Testing

@testable import Primitives
@testable import Supervision

@Suite struct KnownServerTests {
  @Test(arguments: [
    ("nginx", KnownServer.nginx), ("openresty", .nginx), ("php-fpm", .phpFPM), ("php-fpm8.2", .phpFPM),
    ("php-fpm83", .phpFPM), ("httpd", .httpd), ("apache2", .httpd), ("haproxy", .haproxy), ("postgres", .postgres),
    ("lighttpd", .lighttpd), ("uwsgi", .uwsgi), ("uwsgi-core", .uwsgi),
  ])
  func `a known server is recognised by its process name, with or without a version`(name: String, server: KnownServer)
  {
    #expect(KnownServer(processName: name) == server)
  }

  @Test(arguments: [
    "", "nginx-debug", "nginxx", "ngin", "java", "php", "php-fpm-exporter", "postgres_exporte", "sh", "apache2ctl",
  ])
  func `a process name that only begins like a known server's is not recognised`(name: String) {
    #expect(KnownServer(processName: name) == nil)
  }

  @Test func `the signals that cause an inspection of the command are the graceful stops of known servers`() {
    let signals = KnownServer.allCases.compactMap { $0.traits.gracefulStop }
    #expect(KnownServer.gracefulStops == SignalSet(signals))
    #expect(signals.count == 6)
    #expect(Lifecycle.imageStopSignals.signals.map { $0.name } == ["QUIT", "USR1", "WINCH", "RTMIN+3"])
  }

  @Test(arguments: [
    (KnownServer.nginx, "nginx stops at once on SIGTERM and cuts requests in flight: use --rewrite TERM:QUIT"),
    (
      .phpFPM,
      "php-fpm stops at once on SIGTERM and cuts requests in flight: use --rewrite TERM:QUIT, and "
        + "process_control_timeout in php-fpm.conf"
    ),
    (.postgres, "postgres waits for every client on SIGTERM: use --rewrite TERM:INT"),
    (.uwsgi, "uwsgi reloads on SIGTERM and does not exit: use --rewrite TERM:INT, or its option die-on-term"),
  ])
  func `the advice for a known server names its reaction to SIGTERM and the rewrite to use`(
    server: KnownServer, advice: String
  ) { #expect(server.advice == advice) }
}
