import CPlatform
import Primitives
import Supervision

/// `char **`, ended by a null pointer, as main and execve have it.
package typealias CStrings = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// What the command inherits and where it stands.
package struct SpawnSettings: Sendable {
  /// Its signal mask.
  package var blockedSignals: SignalSet
  /// SIGCHLD is ignored in it, as it was in ebb.
  package var ignoresChildSignal: Bool
  /// It leads a new session; else a process group of its own.
  package var newSession: Bool
  /// Handed to the command's process group; nil: there is none to hand over.
  package var terminal: Terminal?
  /// Nothing to read, and standard output goes to standard error: that of the container is somebody else's.
  package var detachesStandardStreams = false
  /// Its soft limit of descriptors, where ebb has raised its own; RLIMIT_NOFILE.
  package var descriptorLimit: Int?
  /// The command takes the place of this process, which was forked for it.
  var isInPlace = false

  /// For the command. A hook gets the same, but for the terminal.
  package init(
    blockedSignals: SignalSet, ignoresChildSignal: Bool, newSession: Bool, terminal: Terminal?,
    descriptorLimit: Int? = nil
  ) {
    self.blockedSignals = blockedSignals
    self.ignoresChildSignal = ignoresChildSignal
    self.newSession = newSession
    self.terminal = terminal
    self.descriptorLimit = descriptorLimit
  }
}

/// Starts the command `arguments[0]` with ebb's environment, and returns its pid once it has executed. Every signal
/// must be blocked. Throws what to tell the user and the code to exit with: 127 not found, 126 found but not
/// executable, 125 no process to be had.
package func spawn(_ arguments: CStrings, environment: CStrings?, _ settings: SpawnSettings) throws(SpawnFailure)
  -> Int32
{
  let name = arguments[0].map { String(system: $0) } ?? ""
  let path = try locate(name)
  switch try execute(path, arguments, environment, settings) {
  case .success(let pid): return pid
  case .failure(Errno(code: ENOEXEC)): return try runByShell(path, arguments, environment, settings)
  case .failure(let error) where [ENOENT, ENOTDIR, ELIBBAD].contains(error.code):
    throw notExecutable(
      name, "the interpreter or dynamic loader named by \(path.quoted) does not exist", error)
  case .failure(let error): throw notExecutable(name, error.description, error)
  }
}

/// Starts this very program with other words, standing aside in a process group of its own, and returns its pid once it
/// has executed. Every signal must be blocked. Throws as `spawn`.
package func spawnSelf(
  _ arguments: [UnsafeMutablePointer<CChar>?], environment: CStrings?, _ settings: SpawnSettings
) throws(SpawnFailure) -> Int32 {
  var settings = settings
  (settings.detachesStandardStreams, settings.newSession, settings.terminal) = (true, false, nil)
  let own = strdup("/proc/self/exe")
  let arguments = cStrings([own] + arguments)
  defer {
    arguments.deallocate()
    free(own)
  }
  return try spawn(arguments, environment: environment, settings)
}

/// The pointers and the null pointer that ends them.
func cStrings(_ strings: [UnsafeMutablePointer<CChar>?]) -> CStrings {
  let list = CStrings.allocate(capacity: strings.count + 1)
  for (index, string) in strings.enumerated() { list[index] = string }
  list[strings.count] = nil
  return list
}

/// The first of the candidates that may be executed. Where there is none but one that exists, that one is the user's
/// trouble.
private func locate(_ name: String) throws(SpawnFailure) -> String {
  let path = getenv("PATH").map { String(system: $0) }
  var obstacle: SpawnFailure?
  var absence = Errno(code: ENOENT)
  for candidate in executableCandidates(for: name, path: path) {
    let file = candidate.systemPath
    if ebb_is_regular_file(file), access(file, X_OK) == 0 { return candidate }
    let error = Errno.current
    if error.code != ENOENT && error.code != ENOTDIR && obstacle == nil {
      obstacle = notExecutable(
        name, isPath(name) ? error.description : "\(candidate.quoted): \(error.description)", error)
    }
    if isPath(name) { absence = error }
  }
  if let obstacle { throw obstacle }
  let place = isPath(name) ? "no such file" : "not found in PATH \((path ?? "").quoted)"
  throw SpawnFailure(
    code: ExitCode.notFound, message: "cannot execute \(name.quoted): \(place)", error: absence.code)
}

/// A script without a `#!` line, as execvp(3) and every shell treat it. A binary of another machine is none: a shell
/// would stumble through its bytes.
private func runByShell(
  _ path: String, _ arguments: CStrings, _ environment: CStrings?, _ settings: SpawnSettings
) throws(SpawnFailure) -> Int32 {
  if (try? readFile(path, upTo: 256))?.contains(0) ?? false {
    throw notExecutable(path, "a binary that this machine cannot execute: built for another architecture?")
  }
  let shell = "/bin/sh"
  var count = 0
  while arguments[count] != nil { count += 1 }
  let shellArguments = CStrings.allocate(capacity: count + 2)
  defer { shellArguments.deallocate() }
  shellArguments[0] = strdup(shell)
  shellArguments[1] = strdup(path.systemPath)
  for index in 1...count { shellArguments[index + 1] = arguments[index] }  // the null pointer at the end too
  switch try execute(shell, shellArguments, environment, settings) {
  case .success(let pid): return pid
  case .failure(let error):
    throw notExecutable(
      path, "it has no #! line, and \(shell), which would run it, cannot be executed: \(error.description)")
  }
}

/// The new process's pid, or why execve(2) refused the file. Throws where there is no new process; vfork(2).
private func execute(
  _ path: String, _ arguments: CStrings, _ environment: CStrings?, _ settings: SpawnSettings
) throws(SpawnFailure) -> Result<Int32, Errno> {
  let name = strdup(path.systemPath)
  defer { free(name) }
  guard let name else { return .failure(.current) }
  var call = ebb_spawn(
    path: name, argv: arguments, envp: environment, mask: settings.blockedSignals.mask,
    ignore_sigchld: settings.ignoresChildSignal, new_session: settings.newSession,
    terminal: settings.terminal?.descriptor ?? -1, take_terminal: settings.newSession,
    detaches_standard_streams: settings.detachesStandardStreams, descriptor_limit: settings.descriptorLimit ?? -1,
    in_place: settings.isInPlace)
  let pid = ebb_spawn_command(&call)
  let error = Errno.current
  guard pid >= 0 else {
    throw SpawnFailure(
      code: ExitCode.ownFailure, message: "cannot create a process for \(path.quoted): \(error.description)")
  }
  return pid > 0 ? .success(pid) : .failure(error)
}

private func notExecutable(_ name: String, _ reason: String, _ error: Errno = Errno(code: ENOEXEC)) -> SpawnFailure {
  SpawnFailure(
    code: ExitCode.notExecutable, message: "cannot execute \(name.quoted): \(reason)", error: error.code)
}
