import Primitives

/// A well-known server: how to recognise it and how it reacts to signals. Each row of the table was tested with the
/// real program and a slow request in flight during the stop.
package enum KnownServer: UInt8, CaseIterable, Sendable {
  case nginx, phpFPM, httpd, haproxy, postgres, lighttpd, uwsgi

  /// A row of the table.
  package struct Traits: Sendable {
    /// The server's name in messages.
    package let name: String
    package var onTerminate = OnTerminate.fastStop
    /// The signal of the graceful stop, which begins a stop under `--stop-signals auto`. `nil` without one.
    package let gracefulStop: Signal?
    /// The other settings that a stop without lost requests needs.
    package var needs: String?
    /// The command line that runs the server in the foreground.
    package let foreground: String
  }

  /// The reaction of a server to SIGTERM.
  package enum OnTerminate: Sendable {
    /// Exits and cuts the requests in flight.
    case fastStop
    /// Waits until every client has disconnected.
    case waitsForClients
    /// Restarts and does not exit.
    case reloads
  }

  package var traits: Traits {
    switch self {
    // https://nginx.org/en/docs/control.html; STOPSIGNAL QUIT in the official image.
    case .nginx:
      Traits(name: "nginx", gracefulStop: .sigquit, foreground: "nginx -g 'daemon off;'")
    // php-fpm(8): QUIT is the graceful stop; STOPSIGNAL QUIT. With process_control_timeout at its default, 0, children
    // are killed anyway: https://www.php.net/manual/en/install.fpm.configuration.php
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

  /// The names of their processes in /proc/PID/stat.
  package static let processNames: [(String, KnownServer)] = [
    ("nginx", .nginx), ("openresty", .nginx), ("php-fpm", .phpFPM), ("httpd", .httpd), ("apache2", .httpd),
    ("haproxy", .haproxy), ("postgres", .postgres), ("lighttpd", .lighttpd), ("uwsgi", .uwsgi), ("uwsgi-core", .uwsgi),
  ]

  /// The graceful stop signals of the table: INT, QUIT, USR1, WINCH. ebb forwards others without checking the command.
  package static let gracefulStops = SignalSet(mask: 1 << 1 | 1 << 2 | 1 << 9 | 1 << 27)

  /// Recognises a server by its process's name; `nil` for any other program. A process can choose its name, but that
  /// only affects how ebb treats that process.
  package init?(processName: String) {
    for (name, server) in KnownServer.processNames where processName.hasBytePrefix(name) {
      // Debian's name is `php-fpm8.2`.
      let version = processName.utf8.dropFirst(name.utf8.count)
      guard version.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: ".") }) else {
        continue
      }
      self = server
      return
    }
    return nil
  }

  /// The best signal to rewrite SIGTERM to.
  package var rewriteTo: Signal { traits.gracefulStop ?? .sigint }

  /// A sentence for a server that receives SIGTERM.
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
