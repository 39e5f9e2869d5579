/// NLMSG_* in linux/netlink.h, TCPDIAG_GETSOCK in linux/inet_diag.h, SOCK_DIAG_BY_FAMILY in linux/sock_diag.h.
enum NetlinkMessageType: UInt16 {
  case error = 2
  case done = 3
  case overrun = 4
  case tcpDiagGetSock = 18
  case sockDiagByFamily = 20
}

/// NLM_F_* in linux/netlink.h.
enum NetlinkFlags {
  static let request: UInt16 = 1
  static let dump: UInt16 = 0x300
  static let dumpInterrupted: UInt16 = 0x10
}

/// AF_INET and AF_INET6 in linux/socket.h.
enum AddressFamily {
  static let inet: UInt8 = 2
  static let inet6: UInt8 = 10
}

/// INET_DIAG_* in linux/inet_diag.h: attributes, and operations of a filter.
enum InetDiag {
  static let requestBytecode: UInt16 = 1
  static let info: UInt16 = 2
  static let controlGroupID: UInt16 = 21
  static let jump: UInt8 = 1
  static let portAtLeast: UInt8 = 2
  static let portAtMost: UInt8 = 3
}
