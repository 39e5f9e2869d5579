import Primitives

/// A well-known server: how it is recognised, and what it makes of signals. Each row of the table was tried with the real
/// program, with a slow request across the stop.
package enum KnownServer: UInt8, CaseIterable, Sendable {
  case nginx, phpFPM, httpd, haproxy, postgres, lighttpd, uwsgi

  /// What the table says of a server.
  package struct Traits: Sendable {
    /// The name in messages.
    package let name: String
    /// What SIGTERM means to it.
    package var onTerminate = OnTerminate.fastStop
    /// The signal of its graceful stop, which begins a stop under `--stop-signals auto`. `nil` if it has no such signal.
    package let gracefulStop: Signal?
    /// What else a stop without lost requests needs.
    package var needs: String?
    /// How to run it in the foreground.
    package let foreground: String
  }

  /// What SIGTERM means to a server.
  package enum OnTerminate: Sendable {
    /// It exits and cuts the requests in flight.
    case fastStop
    /// It waits until every client has gone.
    case waitsForClients
    /// It starts anew and does not exit.
    case reloads
  }

  /// The row of this server.
  package var traits: Traits {
    switch self {
    // https://nginx.org/en/docs/control.html; STOPSIGNAL QUIT in the official image.
    case .nginx:
      Traits(name: "nginx", gracefulStop: .sigquit, foreground: "nginx -g 'daemon off;'")
    // php-fpm(8): QUIT is the graceful stop; STOPSIGNAL QUIT. With process_control_timeout at its default, 0, children are
    // cut off all the same: https://www.php.net/manual/en/install.fpm.configuration.php
    case .phpFPM:
      Traits(
        name: "php-fpm", gracefulStop: .sigquit, needs: "process_control_timeout in php-fpm.conf",
        foreground: "php-fpm --nodaemonize")
    // https://httpd.apache.org/docs/2.4/stopping.html; STOPSIGNAL WINCH.
    case .httpd:
      Traits(name: "httpd", gracefulStop: .sigwinch, foreground: "httpd -D FOREGROUND")
    // https://docs.haproxy.org/2.6/management.html, section 4; STOPSIGNAL USR1.
    case .haproxy: Traits(name: "haproxy", gracefulStop: .sigusr1, foreground: "haproxy -db")
    // https://www.postgresql.org/docs/15/server-shutdown.html; STOPSIGNAL INT, which ends sessions.
    case .postgres:
      Traits(
        name: "postgres", onTerminate: .waitsForClients, gracefulStop: .sigint, foreground: "postgres, not pg_ctl")
    // doc/initscripts.txt of lighttpd 1.4.
    case .lighttpd: Traits(name: "lighttpd", gracefulStop: .sigint, foreground: "lighttpd -D")
    // https://uwsgi-docs.readthedocs.io/en/latest/Management.html: no signal waits for requests.
    case .uwsgi:
      Traits(
        name: "uwsgi", onTerminate: .reloads, gracefulStop: nil, needs: "or its option die-on-term",
        foreground: "uwsgi without daemonize")
    }
  }

  /// The names of their processes in /proc/PID/stat, by which they are recognised.
  package static let processNames: [(String, KnownServer)] = [
    ("nginx", .nginx), ("openresty", .nginx), ("php-fpm", .phpFPM), ("httpd", .httpd), ("apache2", .httpd),
    ("haproxy", .haproxy), ("postgres", .postgres), ("lighttpd", .lighttpd), ("uwsgi", .uwsgi), ("uwsgi-core", .uwsgi),
  ]

  /// The graceful stops of the table, INT, QUIT, USR1 and WINCH: any other signal is forwarded without a look at the command.
  package static let gracefulStops = SignalSet(mask: 1 << 1 | 1 << 2 | 1 << 9 | 1 << 27)

  /// The server whose process has this name, `nil` for any other program. The name is a process's own claim, and misleads
  /// ebb about that process alone.
  package init?(processName: String) {
    for (name, server) in KnownServer.processNames where processName.hasBytePrefix(name) {
      // Debian's `php-fpm8.2`.
      let version = processName.utf8.dropFirst(name.utf8.count)
      guard version.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: ".") }) else {
        continue
      }
      self = server
      return
    }
    return nil
  }

  /// The signal that SIGTERM is best rewritten to.
  package var rewriteTo: Signal { traits.gracefulStop ?? .sigint }

  /// One sentence for a server that gets SIGTERM.
  package var advice: String {
    let use =
      ": use --rewrite TERM:\(rewriteTo.name)\(traits.needs.map { ", \(traits.gracefulStop == nil ? "" : "and ")\($0)" } ?? "")"
    switch traits.onTerminate {
    case .fastStop: return traits.name + " stops at once on SIGTERM and cuts requests in flight" + use
    case .waitsForClients: return traits.name + " waits for every client on SIGTERM" + use
    case .reloads: return traits.name + " reloads on SIGTERM and does not exit" + use
    }
  }
}
