import CPlatform
import Primitives
import Supervision

/// `char **` with a null pointer at the end, as for main and execve(2).
package typealias CStrings = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// The settings of the command's process.
package struct SpawnSettings: Sendable {
  package var blockedSignals: SignalSet
  /// Whether SIGCHLD is ignored, as it was when ebb started.
  package var ignoresChildSignal: Bool
  /// Whether it leads a new session, or else only a process group.
  package var newSession: Bool
  /// Handed over to the command's process group; `nil` if not.
  package var terminal: Terminal?
  /// Whether standard input is empty and standard output goes to standard error, because others read the container's.
  package var detachesStandardStreams = false
  /// The soft limit of descriptors (RLIMIT_NOFILE), if ebb raised its own.
  package var descriptorLimit: Int?
  /// Whether the command replaces this process, which was forked for it.
  var isInPlace = false

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

/// Starts the command `arguments[0]` and returns its pid once it has executed. Every signal must be blocked. Throws the
/// message and the exit code: 127 not found, 126 not executable, 125 no process.
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

/// Starts this program with other arguments, detached and in its own process group, and returns its pid once it has
/// executed. Every signal must be blocked. Throws as `spawn`.
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

/// Returns the pointers with a null pointer at the end.
func cStrings(_ strings: [UnsafeMutablePointer<CChar>?]) -> CStrings {
  let list = CStrings.allocate(capacity: strings.count + 1)
  for (index, string) in strings.enumerated() { list[index] = string }
  list[strings.count] = nil
  return list
}

/// Returns the first executable candidate. If none is executable but one exists, the error names that one. Throws the
/// message and exit code 126 or 127.
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

/// Runs a script without a `#!` line, as execvp(3) and every shell do. Refuses a binary of another machine, which a
/// shell would misread. Throws with exit code 126, or 125 if there is no process.
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

/// Returns the new process's pid, or the error of execve(2). Throws with exit code 125 if vfork(2) fails.
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
