/// The states of net/tcp_states.h, by their numbers there, that ebb asks for. TIME_WAIT and SYN_RECV carry no request.
package enum TCPState: UInt8, Sendable, CaseIterable {
  case established = 1
  case finWait1 = 4
  /// The command sends no more, the other end may. A server that lingers (nginx) is here, and still has the socket.
  case finWait2 = 5
  case closeWait = 8
  case lastAck = 9
  case listen = 10
  case closing = 11
}
