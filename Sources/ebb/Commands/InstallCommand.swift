import Platform
import Supervision

/// `ebb install /PATH`: copies this program into a folder, or to a file that it names.
func install(at path: String) throws(Complaint) {
  let file = isFolder(path) ? path + (path.utf8.last == UInt8(ascii: "/") ? "ebb" : "/ebb") : path
  if isSpecialFile(file) { throw Complaint(message: "install: \(file.quoted) is neither a file nor a folder") }
  do throws(InstallFailure) {
    try copyThisProgram(to: file)
  } catch {
    throw Complaint(message: "install: cannot \(error.call) \(error.path.quoted): \(error.errno.text)")
  }
  try printOut(Array("installed ebb \(version) as \(file)\n".utf8))
}
