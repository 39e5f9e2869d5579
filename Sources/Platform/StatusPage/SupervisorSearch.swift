import CPlatform
import LinuxFormats

/// All supervisors that a look at every process finds.
///
/// Any process may have a memfd of the page's name, with any content. So a page counts only in the process that
/// it speaks of, where that is the parent of the command that it names; not below another supervisor, since those who are
/// supervised could forge one, and the outermost is the one to ask; and pages of users other than root and the caller
/// only where there is no other.
package struct SupervisorSearch {
  /// In the order of /proc.
  package private(set) var found: [StatusPageReader] = []
  /// Those that this user may not look into.
  package private(set) var denied: [Int32] = []

  /// PID 1 alone where it is one. Throws ENOENT where /proc is not mounted, or is another pid namespace's.
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
