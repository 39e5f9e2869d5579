import CPlatform

/// Lets a netlink socket receive only the sock_diag messages whose idiag_sport is one of `ports`, or 0 (the marker's):
/// classic BPF, socket(7) SO_ATTACH_FILTER. Accepts all messages if there are too many ports or no memory.
func attachPortFilter(_ ports: [UInt16], to socket: Int32) {
  let isComplete = ports.count <= maxFilteredPorts
  let (load, compare, end) = (
    UInt16(BPF_LD | BPF_H | BPF_ABS), UInt16(BPF_JMP | BPF_JEQ | BPF_K), UInt16(BPF_RET | BPF_K)
  )
  // A load converts from network byte order.
  var program = [sock_filter(code: load, jt: 0, jf: 0, k: sourcePortOffset)]
  for port in isComplete ? [0] + ports : [] {
    program.append(sock_filter(code: compare, jt: 0, jf: 1, k: UInt32(port)))
    program.append(sock_filter(code: end, jt: 0, jf: 0, k: .max))
  }
  program.append(sock_filter(code: end, jt: 0, jf: 0, k: isComplete ? 0 : .max))
  // Detach first: there may be no memory for two programs (net.core.optmem_max).
  setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, nil, 0)
  program.withUnsafeMutableBufferPointer { instructions in
    var filter = sock_fprog(len: UInt16(instructions.count), filter: instructions.baseAddress)
    setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, socklen_t(MemoryLayout<sock_fprog>.size))
  }
}

/// The kernel accepts programs of up to 4096 instructions.
private let maxFilteredPorts = 1000
/// In bytes: struct nlmsghdr, then four fields of one byte, then idiag_sport; linux/inet_diag.h.
private let sourcePortOffset: UInt32 = 20
