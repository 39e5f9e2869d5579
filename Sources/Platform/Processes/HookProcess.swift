import CPlatform
import Primitives
import Supervision

/// A process of the pre-stop hook.
///
/// The hook is forked, and locates and executes its command itself, because that may block on the file system (NFS,
/// FUSE, a fanotify listener). With vfork(2) the parent would block too.
package final class HookProcess {
  /// The process, which leads its own process group.
  package let pid: Int32
  /// Memory shared with the process, for the reason why it could not execute: the length of the message and the exit
  /// code (4 bytes each, host byte order), then the message.
  private let note: UnsafeMutableRawPointer
  private static let noteSize = 4096

  /// Starts the hook with the command's environment and EBB_SIGNAL. `folder`: start of relative paths; `nil` if it no
  /// longer exists. Every signal must be blocked. Throws if the process cannot be created, with the exit code.
  package init(
    _ arguments: [String], signal: Signal, environment: CStrings?, _ settings: SpawnSettings, in folder: String?
  ) throws(SpawnFailure) {
    guard let note = ebb_map_for_child(HookProcess.noteSize) else { throw HookProcess.noProcess(arguments) }
    self.note = note
    pid = ebb_fork()
    if pid < 0 {
      let failure = HookProcess.noProcess(arguments)
      munmap(note, HookProcess.noteSize)
      throw failure
    }
    if pid == 0 {
      HookProcess.become(arguments, signal: signal, environment: environment, settings, in: folder, note)
    }
    setpgid(pid, pid)  // the child does it too, and either may be first
  }

  deinit { munmap(note, HookProcess.noteSize) }

  private static func noProcess(_ arguments: [String]) -> SpawnFailure {
    let text = Errno.current.description
    return SpawnFailure(
      code: ExitCode.ownFailure, message: "cannot create a process for \(arguments[0].quoted): \(text)")
  }

  /// Why the command could not be executed; `nil` if it was, or if the process ended earlier. Valid after its end.
  package var failure: SpawnFailure? {
    let length = min(Int(note.load(as: UInt32.self)), HookProcess.noteSize - 8)
    guard length > 0 else { return nil }
    let message = UnsafeRawBufferPointer(start: note + 8, count: length)
    return SpawnFailure(
      code: Int(note.load(fromByteOffset: 4, as: UInt32.self)), message: String(decoding: message, as: UTF8.self))
  }

  private static func become(
    _ arguments: [String], signal: Signal, environment: CStrings?, _ settings: SpawnSettings, in folder: String?,
    _ note: UnsafeMutableRawPointer
  ) -> Never {
    closeInheritedDescriptors(but: nil)  // the waiting hook must not hold ebb's health port
    if let folder { changeDirectory(to: folder) }
    var settings = settings
    (settings.detachesStandardStreams, settings.newSession, settings.terminal, settings.isInPlace) = (
      true, false, nil, true
    )
    let variable = "EBB_SIGNAL="
    var entries: [UnsafeMutablePointer<CChar>?] = []
    while let entry = environment?[entries.count] { entries.append(entry) }
    entries.removeAll { entry in entry.map { strncmp($0, variable, variable.utf8.count) == 0 } ?? true }
    let command = cStrings(arguments.map { strdup($0.systemPath) })
    do throws(SpawnFailure) {
      _ = try spawn(command, environment: cStrings(entries + [strdup(variable + signal.name)]), settings)
    } catch {
      let message = Array(error.message.utf8.prefix(noteSize - 8))
      message.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(start: note + 8, count: message.count).copyMemory(from: $0)
      }
      note.storeBytes(of: UInt32(error.code), toByteOffset: 4, as: UInt32.self)
      note.storeBytes(of: UInt32(message.count), as: UInt32.self)
      _exit(Int32(error.code))
    }
    _exit(Int32(ExitCode.ownFailure))  // not reached: execve(2) has replaced this process
  }
}
