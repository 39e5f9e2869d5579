import Primitives

/// Returns the name that a misspelt word most probably means: one that contains the word, otherwise the one with the
/// smallest distance, if that is less than half of the name. Returns `nil` otherwise.
func nearestName(to word: String, among names: [String]) -> String? {
  if word.utf8.count >= 4, let name = names.first(where: { $0.contains(bytesOf: word) }) { return name }
  let candidates = names.map { (name: $0, distance: distance(word, $0)) }
  guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance * 2 < best.name.utf8.count else {
    return nil
  }
  return best.name
}

extension String {
  fileprivate func contains(bytesOf word: String) -> Bool {
    utf8.indices.contains { utf8[$0...].starts(with: word.utf8) }
  }
}

/// Returns the number of bytes to insert, delete or change (Levenshtein). Only the start of a very long word counts.
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
