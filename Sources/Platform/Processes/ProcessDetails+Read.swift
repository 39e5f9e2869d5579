import CPlatform
import LinuxFormats
import Primitives

/// Returns every descendant of a process that /proc shows, without those that end during it; empty without /proc.
package func readDescendants(of ancestor: Int32) -> [ProcessDetails] {
  let family = familyTree(of: ancestor, among: (try? readProcessTable()) ?? [])
  let sinceBoot = timeSinceBoot()
  return family.compactMap { process, depth in
    guard let stat = try? readStat(of: process.pid) else { return nil }
    // A list of thousands of groups may precede the fields used here.
    let status = (try? readFile("/proc/\(process.pid)/status", upTo: 16 * 1024)) ?? []
    var details = ProcessDetails(stat: stat, status: status, depth: depth, sinceBoot: sinceBoot)
    let words = (try? readFile("/proc/\(process.pid)/cmdline", upTo: 256)) ?? []
    details?.firstArgument = String(decoding: words.prefix { $0 != 0 }, as: UTF8.self)
    // Read threads only if they could change the result: Java has hundreds, and a handler.
    if let signals = details?.signals, signals.blocked != SignalSet() || !signals.caught.contains(.sigterm) {
      details?.signals?.add(readThreads(of: process.pid))
      // A supervisor blocks every signal and reads them from a descriptor.
      if (try? StatusPageReader.open(pid: process.pid)) != nil { details?.signals?.takeAll() }
    }
    return details
  }
}

/// Returns the parent's pid, 0 if it is outside this PID namespace; `nil` if the process has ended or cannot be read.
package func readParentPID(of pid: Int32) -> Int32? {
  (try? readStat(of: pid)).flatMap { ProcPIDStat(stat: $0)?.parent }
}

private func readThreads(of pid: Int32) -> [ProcessDetails.Thread] {
  ((try? readNumbers(in: "/proc/\(pid)/task")) ?? []).compactMap { thread in
    let path = "/proc/\(pid)/task/\(thread)/"
    guard let status = try? readFile(path + "status", upTo: 16 * 1024) else { return nil }  // the thread has ended
    return ProcessDetails.Thread(status: status, place: (try? readFile(path + "wchan", upTo: 64)) ?? [])
  }
}
