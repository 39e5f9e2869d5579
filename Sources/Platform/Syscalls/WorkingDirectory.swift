import CPlatform

/// Leaves for another working directory; chdir(2). Where that fails this process stays where it is.
package func changeDirectory(to path: String) { chdir(path.systemPath) }

/// The names of those environment variables that begin so; environ(7).
package func variableNames(in environment: CStrings?, beginningWith prefix: String) -> [String] {
  var names: [String] = []
  let length = prefix.utf8.count
  prefix.withCString { prefix in  // once: for each entry it would be copied anew
    var next = 0
    while let entry = environment?[next] {
      next += 1
      guard strncmp(entry, prefix, length) == 0 else { continue }
      names.append(String(decoding: UnsafeRawBufferPointer(start: entry, count: strcspn(entry, "=")), as: UTF8.self))
    }
  }
  return names
}

/// The path of the working directory, nil where it has none any more; getcwd(3).
package func workingDirectory() -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
    getcwd(buffer.baseAddress, buffer.count).map { String(system: $0) }
  }
}

/// Gives memory of the heap that is free back to the kernel; malloc_trim(3).
package func giveBackMemory() { malloc_trim(0) }

/// All threads allocate from one heap; mallopt(3). Else glibc maps a second one of 64 MB for Dispatch's thread, at the
/// price of four system calls and some pages.
package func useOneHeap() { mallopt(M_ARENA_MAX, 1) }
