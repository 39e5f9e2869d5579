import CPlatform
import LinuxFormats
import Primitives

/// Returns every descendant of a process that /proc shows, without those that end during it; empty without /proc.
package func readDescendants(of ancestor: Int32) -> [ProcessDetails] {
  let family = familyTree(of: ancestor, among: (try? readProcessTable()) ?? [])
  let sinceBoot = timeSinceBoot()
  return family.compactMap { process, depth in
    guard let stat = try? readFile("/proc/\(process.pid)/stat", upTo: 1024) else { return nil }
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
package func parentPID(of pid: Int32) -> Int32? {
  (try? readFile("/proc/\(pid)/stat", upTo: 1024)).flatMap { ProcPIDStat(stat: $0)?.parent }
}

private func readThreads(of pid: Int32) -> [ProcessDetails.Thread] {
  guard let folder = opendir("/proc/\(pid)/task") else { return [] }
  defer { closedir(folder) }
  var threads: [ProcessDetails.Thread] = []
  while true {
    let thread = ebb_readdir_number(folder)  // its entries are numbers, as in /proc
    if thread == 0 { return threads }
    let path = "/proc/\(pid)/task/\(thread)/"
    guard let status = try? readFile(path + "status", upTo: 16 * 1024),
      let facts = ProcessDetails.Thread(status: status, place: (try? readFile(path + "wchan", upTo: 64)) ?? [])
    else { continue }  // the thread has ended
    threads.append(facts)
  }
}
