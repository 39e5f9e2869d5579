import CPlatform
import Primitives
import Supervision

/// A process of the pre-stop hook.
///
/// It is forked, and finds and executes the command by itself: that waits for the file system, which may hang (NFS, FUSE,
/// a fanotify listener), and a vfork(2) would keep its parent waiting too.
package final class HookProcess {
  /// Of the process, which leads a process group of its own.
  package let pid: Int32
  /// Shared with the process, which leaves there why it could not execute: the length of the message and the exit code, 4
  /// bytes each, and the message.
  private let note: UnsafeMutableRawPointer
  private static let noteSize = 4096

  /// Starts it. The environment is the command's and EBB_SIGNAL; `folder` is where relative paths start, nil where that
  /// is gone. Every signal must be blocked. Throws where no process can be had, with the code to exit with.
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
    setpgid(pid, pid)  // it does so too; whichever is the first
  }

  deinit { munmap(note, HookProcess.noteSize) }

  private static func noProcess(_ arguments: [String]) -> SpawnFailure {
    let text = Errno.current.description
    return SpawnFailure(
      code: ExitCode.ownFailure, message: "cannot create a process for \(arguments[0].quoted): \(text)")
  }

  /// Why the command could not be executed; nil: it was, or the process ended before it came to that. To be asked when it
  /// has ended.
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
    closeInheritedDescriptors(but: nil)  // ebb's own: while this process waits, it must not hold the health port
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
    _exit(Int32(ExitCode.ownFailure))  // not reached: the command has taken this process's place
  }
}
