import Glibc

/// Moves the calling thread, and all that it starts later, into a new network namespace with loopback only: unshare(2).
package func enterOwnNetwork() throws(Failure) {
  typealias Function = @convention(c) (Int32) -> Int32
  // The Glibc module omits Linux-only calls.
  let newNetwork: Int32 = 0x4000_0000
  guard let symbol = dlsym(nil, "unshare"), unsafeBitCast(symbol, to: Function.self)(newNetwork) == 0 else {
    throw Failure("unshare: \(text(errno))")
  }
  // struct ifreq, netdevice(7): the name, and IFF_UP with IFF_RUNNING.
  var request = [UInt8](repeating: 0, count: 40)
  request.replaceSubrange(0..<2, with: Array("lo".utf8))
  request[16] = 0x41
  let setFlags: UInt = 0x8914
  let anySocket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  defer { close(anySocket) }
  guard ioctl(anySocket, setFlags, &request) == 0 else { throw Failure("SIOCSIFFLAGS: \(text(errno))") }
}
