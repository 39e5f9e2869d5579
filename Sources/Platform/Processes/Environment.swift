import CPlatform

/// Returns the names of the environment variables with this prefix; environ(7).
package func variableNames(in environment: CStrings?, beginningWith prefix: String) -> [String] {
  var names: [String] = []
  let length = prefix.utf8.count
  prefix.withCString { prefix in  // outside the loop, or each entry would copy it
    var next = 0
    while let entry = environment?[next] {
      next += 1
      guard strncmp(entry, prefix, length) == 0 else { continue }
      names.append(String(decoding: UnsafeRawBufferPointer(start: entry, count: strcspn(entry, "=")), as: UTF8.self))
    }
  }
  return names
}
