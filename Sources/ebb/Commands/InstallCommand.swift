import Platform
import Primitives

/// `ebb install /PATH`: copies this program into a folder or to the named file. Throws why it cannot.
func runInstall(at path: String) throws(CommandError) {
  let file = isFolder(path) ? path + (path.utf8.last == UInt8(ascii: "/") ? "ebb" : "/ebb") : path
  if isSpecialFile(file) { throw CommandError(message: "install: \(file.quoted) is neither a file nor a folder") }
  do throws(InstallFailure) {
    try copyThisProgram(to: file)
  } catch {
    throw CommandError(message: "install: cannot \(error.call) \(error.path.quoted): \(error.errno.description)")
  }
  try printOut(Array("installed ebb \(ebbVersion) as \(file)\n".utf8))
}
