import Foundation
import TestSupport

/// Writes a configuration of nginx.
///
/// - Parameters:
///   - folder: The folder for all files of nginx.
///   - http: The content of the `http` block.
///   - daemon: Whether nginx goes into the background.
///   - workers: The number of worker processes.
/// - Returns: The command that runs it.
/// - Throws: An error of Foundation if the file cannot be written.
func makeNginx(_ folder: String, http: String, daemon: Bool = false, workers: Int = 1) throws -> [String] {
  let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  let paths = kinds.map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " ")
  let user = geteuid() == 0 ? "user root;" : ""
  try """
  \(user) daemon \(daemon ? "on" : "off"); worker_processes \(workers); pid \(folder)/pid; error_log stderr crit;
  events { worker_connections 64; }
  http { access_log off; \(paths) \(http) }

  """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
  return [installed("nginx"), "-e", "stderr", "-c", folder + "/nginx.conf"]
}

/// Writes a configuration of haproxy.
///
/// - Parameters:
///   - folder: The folder for the configuration.
///   - port: The port of 127.0.0.1.
///   - rules: The lines after `bind`.
///   - options: Further options of the command.
/// - Returns: The command that runs it.
/// - Throws: An error of Foundation if the file cannot be written.
func makeHaproxy(_ folder: String, _ port: Int, rules: String, options: [String] = []) throws -> [String] {
  try haproxyConfiguration(port, rules: rules).write(
    toFile: folder + "/haproxy.cfg", atomically: true, encoding: .utf8)
  return [installed("haproxy")] + options + ["-db", "-q", "-f", folder + "/haproxy.cfg"]
}

/// A configuration of haproxy that listens on a port of 127.0.0.1; `rules` follow `bind`.
func haproxyConfiguration(_ port: Int, rules: String) -> String {
  """
  global
    maxconn 100
  defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 5s
  frontend all
    bind 127.0.0.1:\(port)
    \(rules)

  """
}
