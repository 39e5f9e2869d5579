import CPlatform
import LinuxFormats

/// All supervisors among the processes that /proc shows.
///
/// Any process may have a memfd with the page's name and any content. A page counts only in the process that it
/// describes, and only if that is the parent of the command that the page names. It does not count below another
/// supervisor, because supervised processes could forge one and the outermost receives the orchestrator's signals.
/// Pages of users other than root and the caller count only if there is no other.
package struct SupervisorSearch {
  package private(set) var found: [StatusPageReader] = []
  /// The processes that this user may not inspect.
  package private(set) var denied: [Int32] = []

  /// Returns only PID 1 if that is a supervisor. Throws ENOENT without a matching /proc; EMFILE, ENFILE, ENOMEM.
  package init() throws(Errno) {
    let pids = try readPids()
    for pid in [1] + pids.filter({ $0 != 1 && $0 != getpid() }) {
      do throws(StatusPageReaderError) {
        let reader = try StatusPageReader.open(pid: pid)
        guard reader.fits else { continue }
        found.append(reader)
        if pid == 1 { return }
      } catch {
        switch error {
        case .denied: denied.append(pid)
        case .failed(let error): throw error
        case .noProc, .noSuchProcess, .notASupervisor: continue
        }
      }
    }
    guard found.count > 1 else { return }
    let table = try readProcessTable()
    let below = found.map { descendants(of: $0.pid, among: table) }
    found = found.filter { reader in !below.contains { $0.contains { $0.pid == reader.pid } } }
    let trusted = found.filter { $0.isTrusted }
    if !trusted.isEmpty { found = trusted }
  }
}
