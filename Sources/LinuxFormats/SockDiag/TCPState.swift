/// The states that ebb requests, by their numbers in net/tcp_states.h. TIME_WAIT and SYN_RECV carry no request.
package enum TCPState: UInt8, Sendable, CaseIterable {
  case established = 1
  case finWait1 = 4
  /// The command has finished sending, the other end has not. A server that lingers (nginx) has this state.
  case finWait2 = 5
  case closeWait = 8
  case lastAck = 9
  case listen = 10
  case closing = 11
}
