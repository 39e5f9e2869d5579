import CPlatform
import Foundation
import Supervision
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// Of the calling thread alone; setfsuid(2).
@_silgen_name("setfsuid") @discardableResult func setfsuid(_ user: UInt32) -> Int32

/// Whose listening sockets are found, with real processes.
@Suite struct SocketOwnerScanTests {
  private func watch(
    _ stranger: PythonProcess, excluding: UInt16? = nil, _ source: ConnectionSource = .diagWithInfo
  ) -> ConnectionSampler {
    ConnectionSampler(
      ports: nil, owner: .descendants(of: stranger.pid), excluding: excluding, quiet: .seconds(2), source: source)
  }

  @Test(arguments: [ConnectionSource.diagWithInfo, .proc])
  func `only the listening sockets of the process tree are found`(source: ConnectionSource) throws {
    let foreign = try Listener()
    let stranger = try PythonProcess()
    let port = try stranger.listen()
    let sampler = watch(stranger, source)
    let client = try startConnecting(to: SocketAddress(.loopback4, port: port))
    defer { close(client) }
    // It is connected before the server's end is.
    let sample = try sampler.pass { $0.counts.established == 1 }
    #expect(sample.ports == [port] && sample.portSource == .ofTree && sampler.ports == [port])
    #expect(sample.counts.classes == [.pendingAccept: 1])
    withExtendedLifetime(foreign) {}
  }

  /// The supervisor of this tree is the one that must not count.
  @Test func `the listening sockets of the supervisor itself are not found`() throws {
    let stranger = try PythonProcess()
    let child = try stranger.tell("answer = os.getpid()")
    _ = try stranger.listen()
    let sampler = ConnectionSampler(
      ports: nil, owner: .descendants(of: Int32(child) ?? 0), excluding: nil, quiet: .seconds(2))
    #expect(try sampler.pass().portSource == .none)
  }

  @Test func `a listening socket opened later is found and the port of a closed one is kept`() throws {
    let stranger = try PythonProcess()
    let sampler = watch(stranger)
    #expect(try sampler.pass().portSource == .none && sampler.ports.isEmpty)
    let first = try stranger.listen()
    #expect(try sampler.pass(lookForListeners: false).portSource == .none)
    #expect(try sampler.pass().ports == [first])
    let client = try startConnecting(to: SocketAddress(.loopback4, port: first))
    defer { close(client) }
    try stranger.tell("c, _ = l.accept(); l.close()")
    let second = try stranger.listen()
    let sample = try sampler.pass()
    #expect(sample.ports == [first, second].sorted() && sample.portSource == .ofTree)
    #expect(sample.counts.established == 1 && sample.counts[.pendingAccept] == 0)
  }

  /// As Go's servers listen.
  @Test func `a Multipath TCP listening socket is found`() throws {
    guard (try? String(contentsOfFile: "/proc/sys/net/mptcp/enabled", encoding: .utf8)) == "1\n" else { return }
    let stranger = try PythonProcess()
    let port = try stranger.listen(protocol: 262)  // IPPROTO_MPTCP
    let sample = try watch(stranger).pass()
    #expect(sample.portSource == .ofTree && sample.ports == [port])
  }

  @Test func `the excluded health port is never sampled`() throws {
    let stranger = try PythonProcess()
    let port = try stranger.listen()
    let sample = try watch(stranger, excluding: port).pass()
    #expect(sample.ports.isEmpty && sample.portSource == .none)
    let given = ConnectionSampler(ports: [Port(port), 1], owner: .everyone, excluding: port, quiet: .zero)
    #expect(given.ports == [1])
  }

  /// Where control groups tell sockets apart, those that nobody is seen to have and that were made in this process's
  /// own group are taken for the command's.
  @Test func `with every process as owner the listening sockets of others and of the own control group are found`()
    throws
  {
    let stranger = try PythonProcess()
    let port = try stranger.listen()
    let own = try Listener()
    let sample = try ConnectionSampler(ports: nil, owner: .everyone, excluding: nil, quiet: .zero).pass()
    let areTold = readOwnControlGroup() != nil
    #expect(sample.ports.contains(port) && sample.ports.contains(own.port) == areTold)
    #expect(sample.portSource == (areTold ? .ofControlGroup : .ofTree))
  }

  @Test func `a listening socket that only a child has open is found`() throws {
    let stranger = try PythonProcess()
    let port = try stranger.listen()
    // The parent's copy is closed, the child's is not.
    let child = try stranger.tell("p = os.fork(); p or __import__('signal').pause(); l.close(); answer = p")
    defer { kill(Int32(child) ?? -1, SIGKILL) }
    #expect(try watch(stranger).pass().ports == [port])
  }

  @Test(arguments: [
    ("u = socket.socket(socket.AF_UNIX); u.bind('\\0ebb-' + str(os.getpid())); u.listen()", true),
    ("u = socket.socket(socket.AF_UNIX); u.bind('\\0ebb-' + str(os.getpid()))", false),
    ("u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0))", true),
    ("u = socket.socket(type=socket.SOCK_DGRAM)", false),
    ("u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0)); u.connect(('127.0.0.1', 9))", false),
    ("u = socket.socket(); u.bind(('127.0.0.1', 0))", false),
  ])
  func `UNIX and UDP server sockets make the port source uncountable until a TCP socket listens`(
    line: String, isServer: Bool
  ) throws {
    try expectPortSource(after: line, isServer: isServer)
  }

  private func expectPortSource(after line: String, isServer: Bool) throws {
    let stranger = try PythonProcess()
    try stranger.tell(line)
    let sampler = watch(stranger)
    #expect(try sampler.pass().portSource == (isServer ? .uncountable : .none))
    let port = try stranger.listen()
    let sample = try sampler.pass()
    #expect(sample.portSource == .ofTree && sample.ports == [port])
  }

  @Test(.needsIPv6) func `a UDP server socket on IPv6 makes the port source uncountable until a TCP socket listens`()
    throws
  {
    try expectPortSource(
      after: "u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('::1', 0))", isServer: true)
  }

  @Test func `a process in another network namespace makes the scan inconclusive`() throws {
    guard getuid() == 0 else { return }
    let stranger = try PythonProcess(below: ["unshare", "--net"])
    let port = try stranger.listen(on: "0.0.0.0")
    let sampler = watch(stranger)
    // Nothing of it can be seen from here, so it is not certain that nobody listens.
    #expect(try sampler.pass().portSource == .unknown)
    #expect(!sampler.ports.contains(port))
    let given = ConnectionSampler(ports: [Port(port)], owner: .everyone, excluding: nil, quiet: .zero)
    var listeners = 0
    _ = try given.pass { if $0.state == .listen { listeners += 1 } }
    #expect(listeners == 0)
  }

  /// As an unprivileged ebb sees a command that has changed its user, or root without CAP_SYS_PTRACE any user.
  @Test func `with unreadable descriptors the listening sockets of the control group or all are taken`() throws {
    guard getuid() == 0 else { return }
    let stranger = try PythonProcess()
    setfsuid(65534)  // this thread's alone; files are opened with it
    defer { setfsuid(0) }
    let sampler = watch(stranger)
    let own = try Listener()
    let excluded = try Listener()
    let port = try stranger.listen()
    let sample = try sampler.pass()
    // All were made in the same group.
    #expect(sample.portSource == (readOwnControlGroup() == nil ? .all : .ofControlGroup))
    #expect(sample.ports.contains(own.port) && sample.ports.contains(port))
    #expect(!(try self.watch(stranger, excluding: excluded.port).pass()).ports.contains(excluded.port))
  }

  @Test func `an io_uring instance makes the scan inconclusive`() throws {
    let listener = try Listener()  // else there is nothing to look for
    let stranger = try PythonProcess()
    // io_uring_setup(2) where it is allowed.
    let setUp = "b = ctypes.create_string_buffer(120); answer = ctypes.CDLL(None).syscall(425, 4, b)"
    guard try stranger.tell(setUp) != "-1" else { return }
    #expect(try watch(stranger).pass().portSource == .unknown)
    withExtendedLifetime(listener) {}
  }

  @Test func `readSmallFamily returns a small process tree and nil for a missing or a large one`() throws {
    guard access("/proc/self/task/\(getpid())/children", F_OK) == 0 else { return }
    let stranger = try PythonProcess()
    let fork = "p = os.fork(); p or __import__('signal').pause(); answer = p"
    var children: [Int32] = []
    defer { for child in children { kill(child, SIGKILL) } }
    func pids(_ processes: [ProcPIDStat]?) -> [Int32]? { processes.map { $0.map { $0.pid }.sorted() } }
    for _ in 0..<2 { children.append(try #require(Int32(try stranger.tell(fork)))) }
    let all = pids(descendants(of: stranger.pid, among: try readProcessTable()))
    #expect(pids(readSmallFamily(of: stranger.pid)) == all && all?.count == 3)
    #expect(readSmallFamily(of: 0x3FFF_FFFF) == nil)
    // A large one would take too long for one step.
    for _ in 0..<64 { children.append(try #require(Int32(try stranger.tell(fork)))) }
    #expect(readSmallFamily(of: stranger.pid) == nil)
  }

  @Test func `a process tree that has ended has no listening sockets`() throws {
    let sampler = ConnectionSampler(ports: nil, owner: .descendants(of: 0x3FFF_FFFF), excluding: nil, quiet: .zero)
    #expect(try sampler.pass().portSource == .none)
  }

  @Test func `a zombie does not make the scan inconclusive`() throws {
    guard getuid() == 0 else { return }
    let stranger = try PythonProcess()
    // Not reaped: only root may open its folder.
    try stranger.tell("p = os.fork(); p or os._exit(0); os.waitid(os.P_PID, p, os.WEXITED | os.WNOWAIT)")
    #expect(try watch(stranger).pass().portSource == .none)
  }

  @Test func `a scan without a source has an unknown port source`() throws {
    let sampler = ConnectionSampler(
      ports: nil, owner: .descendants(of: getpid()), excluding: nil, quiet: .zero, source: ConnectionSource.none)
    let sample = try sampler.pass()
    #expect(sample.portSource == .unknown && sample.source == .none && sample.ports.isEmpty)
  }
}
