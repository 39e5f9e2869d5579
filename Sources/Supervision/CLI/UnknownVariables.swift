import Primitives

/// Returns the warning about a variable whose name begins with `EBB_`; `nil` if it belongs to an option. Kubernetes
/// sets `EBB_SERVICE_HOST` and `EBB_PORT_80_TCP` if there is a service called ebb; a pre-stop hook has `EBB_SIGNAL`.
package func problem(withVariable name: String) -> String? {
  for known in ["EBB_SERVICE_", "EBB_PORT_"] where name.hasBytePrefix(known) { return nil }
  for known in ["EBB_SIGNAL", "EBB_PORT"] where name.bytesEqual(known) { return nil }
  let names = RunOptions.table.map { $0.spec.variable }
  if names.contains(where: { name.bytesEqual($0) }) { return nil }
  let word = String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  let known = names.map { String(decoding: $0.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) }
  let hint = nearestName(to: word, among: known).map { "did you mean \(prefix)\($0)?" } ?? "see ebb --help"
  return "\(name.quoted) is not a variable of ebb and has no effect: \(hint)"
}

private let prefix = "EBB_"
