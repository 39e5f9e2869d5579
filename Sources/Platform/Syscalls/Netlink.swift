import CPlatform
import Supervision

/// Opens a sock_diag(7) socket. Throws EMFILE, EPERM (a seccomp profile), EPROTONOSUPPORT.
func openDiagSocket() throws(Errno) -> Int32 {
  try movedAboveStandardStreams(try valueOrErrno { ebb_diag_socket() })
}
