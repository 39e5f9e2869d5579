import Primitives

/// Returns the warning about a variable whose name begins with `EBB_`; `nil` if it belongs to an option. Kubernetes
/// sets `EBB_SERVICE_HOST` and `EBB_PORT_80_TCP` if there is a service called ebb; a pre-stop hook has `EBB_SIGNAL`.
package func problem(withVariable name: String) -> String? {
  for known in ["EBB_SERVICE_", "EBB_PORT_"] where name.hasBytePrefix(known) { return nil }
  for known in ["EBB_SIGNAL", "EBB_PORT"] where name.bytesEqual(known) { return nil }
  var nearest = ""
  var least = Int.max
  for option in RunOptions.table {
    let known = option.spec.variable
    let distance = name.utf8.count > 8 && known.hasBytePrefix(name) ? 0 : distance(name, known)
    if name.bytesEqual(known) { return nil }
    if distance < least { (nearest, least) = (known, distance) }
  }
  return "\(name.quoted) is not a variable of ebb and has no effect: did you mean \(nearest)?"
}

/// Returns the number of bytes to insert, remove or change (Levenshtein). Only the first 64 bytes of `left` count.
private func distance(_ left: String, _ right: String) -> Int {
  let right = Array(right.utf8)
  var row = Array(0...right.count)
  for (index, byte) in left.utf8.prefix(64).enumerated() {
    var diagonal = index
    row[0] = index + 1
    for column in right.indices {
      let changed = diagonal + (right[column] == byte ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(changed, min(diagonal, row[column]) + 1)
    }
  }
  return row[right.count]
}
