import CPlatform
import Supervision

/// A sock_diag(7) socket.
func openDiagSocket() throws(Errno) -> Int32 {
  let socket = try valueOrErrno { ebb_diag_socket() }
  do throws(Errno) {
    return try movedAboveStandardStreams(socket)
  } catch {
    close(socket)
    throw error
  }
}
