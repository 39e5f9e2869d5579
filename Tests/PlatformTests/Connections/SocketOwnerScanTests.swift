import CPlatform
import Foundation
import Supervision
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// Sets the user id for file access of the calling thread only: setfsuid(2).
@_silgen_name("setfsuid") @discardableResult func setfsuid(_ user: UInt32) -> Int32

/// The discovery of listening sockets, with real processes.
@Suite struct SocketOwnerScanTests {
  private func watch(
    _ python: PythonProcess, excluding: UInt16? = nil, _ source: ConnectionSource = .diagWithInfo
  ) -> ConnectionSampler {
    ConnectionSampler(
      ports: nil, owner: .descendants(of: python.pid), excluding: excluding, quiet: .seconds(2), source: source)
  }

  @Test(arguments: [ConnectionSource.diagWithInfo, .proc])
  func `only the listening sockets of the process tree are found`(source: ConnectionSource) throws {
    let foreign = try Listener()
    let python = try PythonProcess()
    let port = try python.listen()
    let sampler = watch(python, source)
    let client = try startConnecting(to: SocketAddress(.loopback4, port: port))
    defer { close(client) }
    // The client's end is connected before the server's end.
    let sample = try sampler.pass { $0.counts.established == 1 }
    #expect(sample.ports == [port])
    #expect(sample.portSource == .ofTree)
    #expect(sampler.ports == [port])
    #expect(sample.counts.classes == [.pendingAccept: 1])
    withExtendedLifetime(foreign) {}
  }

  /// The Python process is the supervisor of this tree, and its own socket must not count.
  @Test func `the listening sockets of the supervisor itself are not found`() throws {
    let python = try PythonProcess()
    let child = try python.execute("answer = os.getpid()")
    _ = try python.listen()
    let sampler = ConnectionSampler(
      ports: nil, owner: .descendants(of: Int32(child) ?? 0), excluding: nil, quiet: .seconds(2))
    #expect(try sampler.pass().portSource == .none)
  }

  @Test func `a listening socket opened later is found and the port of a closed one is kept`() throws {
    let python = try PythonProcess()
    let sampler = watch(python)
    #expect(try sampler.pass().portSource == .none)
    #expect(sampler.ports.isEmpty)
    let first = try python.listen()
    #expect(try sampler.pass(lookForListeners: false).portSource == .none)
    #expect(try sampler.pass().ports == [first])
    let client = try startConnecting(to: SocketAddress(.loopback4, port: first))
    defer { close(client) }
    try python.execute("c, _ = l.accept(); l.close()")
    let second = try python.listen()
    let sample = try sampler.pass()
    #expect(sample.ports == [first, second].sorted())
    #expect(sample.portSource == .ofTree)
    #expect(sample.counts.established == 1)
    #expect(sample.counts[.pendingAccept] == 0)
  }

  /// Go's servers listen this way.
  @Test func `a Multipath TCP listening socket is found`() throws {
    guard (try? String(contentsOfFile: "/proc/sys/net/mptcp/enabled", encoding: .utf8)) == "1\n" else { return }
    let python = try PythonProcess()
    let port = try python.listen(protocol: 262)  // IPPROTO_MPTCP
    let sample = try watch(python).pass()
    #expect(sample.portSource == .ofTree)
    #expect(sample.ports == [port])
  }

  @Test func `the excluded health port is never sampled`() throws {
    let python = try PythonProcess()
    let port = try python.listen()
    let sample = try watch(python, excluding: port).pass()
    #expect(sample.ports.isEmpty)
    #expect(sample.portSource == .none)
    let given = ConnectionSampler(ports: [Port(port), 1], owner: .everyone, excluding: port, quiet: .zero)
    #expect(given.ports == [1])
  }

  /// If the kernel reports control groups, sockets without a visible owner that were made in this process's group count
  /// as the command's.
  @Test func `with every process as owner the listening sockets of others and of the own control group are found`()
    throws
  {
    let python = try PythonProcess()
    let port = try python.listen()
    let own = try Listener()
    let sample = try ConnectionSampler(ports: nil, owner: .everyone, excluding: nil, quiet: .zero).pass()
    let areTold = readOwnControlGroup() != nil
    #expect(sample.ports.contains(port))
    #expect(sample.ports.contains(own.port) == areTold)
    #expect(sample.portSource == (areTold ? .ofControlGroup : .ofTree))
  }

  @Test func `a listening socket that only a child has open is found`() throws {
    let python = try PythonProcess()
    let port = try python.listen()
    // Only the child's copy stays open.
    let child = try python.execute("p = os.fork(); p or __import__('signal').pause(); l.close(); answer = p")
    defer { kill(Int32(child) ?? -1, SIGKILL) }
    #expect(try watch(python).pass().ports == [port])
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
    let python = try PythonProcess()
    try python.execute(line)
    let sampler = watch(python)
    #expect(try sampler.pass().portSource == (isServer ? .uncountable : .none))
    let port = try python.listen()
    let sample = try sampler.pass()
    #expect(sample.portSource == .ofTree)
    #expect(sample.ports == [port])
  }

  @Test(.needsIPv6) func `a UDP server socket on IPv6 makes the port source uncountable until a TCP socket listens`()
    throws
  {
    try expectPortSource(
      after: "u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('::1', 0))", isServer: true)
  }

  @Test func `a process in another network namespace makes the scan inconclusive`() throws {
    guard getuid() == 0 else { return }
    let python = try PythonProcess(below: ["unshare", "--net"])
    let port = try python.listen(on: "0.0.0.0")
    let sampler = watch(python)
    // The other namespace is invisible from here, so a listening socket cannot be ruled out.
    #expect(try sampler.pass().portSource == .unknown)
    #expect(!sampler.ports.contains(port))
    let given = ConnectionSampler(ports: [Port(port)], owner: .everyone, excluding: nil, quiet: .zero)
    var listeners = 0
    _ = try given.pass { if $0.state == .listen { listeners += 1 } }
    #expect(listeners == 0)
  }

  /// An unprivileged ebb has this view of a command that has changed its user, as has root without CAP_SYS_PTRACE of
  /// any user.
  @Test func `with unreadable descriptors the listening sockets of the control group or all are taken`() throws {
    guard getuid() == 0 else { return }
    let python = try PythonProcess()
    setfsuid(65534)  // only for this thread, which opens the files
    defer { setfsuid(0) }
    let sampler = watch(python)
    let own = try Listener()
    let excluded = try Listener()
    let port = try python.listen()
    let sample = try sampler.pass()
    // All sockets were made in the same control group.
    #expect(sample.portSource == (readOwnControlGroup() == nil ? .all : .ofControlGroup))
    #expect(sample.ports.contains(own.port))
    #expect(sample.ports.contains(port))
    #expect(!(try self.watch(python, excluding: excluded.port).pass()).ports.contains(excluded.port))
  }

  @Test func `an io_uring instance makes the scan inconclusive`() throws {
    let listener = try Listener()  // without a listening socket there is no scan
    let python = try PythonProcess()
    // io_uring_setup(2), if it is allowed.
    let setUp = "b = ctypes.create_string_buffer(120); answer = ctypes.CDLL(None).syscall(425, 4, b)"
    guard try python.execute(setUp) != "-1" else { return }
    #expect(try watch(python).pass().portSource == .unknown)
    withExtendedLifetime(listener) {}
  }

  @Test func `readSmallFamily returns a small process tree and nil for a missing or a large one`() throws {
    guard access("/proc/self/task/\(getpid())/children", F_OK) == 0 else { return }
    let python = try PythonProcess()
    let fork = "p = os.fork(); p or __import__('signal').pause(); answer = p"
    var children: [Int32] = []
    defer { for child in children { kill(child, SIGKILL) } }
    func pids(_ processes: [ProcPIDStat]?) -> [Int32]? { processes.map { $0.map { $0.pid }.sorted() } }
    for _ in 0..<2 { children.append(try #require(Int32(try python.execute(fork)))) }
    let all = pids(descendants(of: python.pid, among: try readProcessTable()))
    #expect(pids(readSmallFamily(of: python.pid)) == all)
    #expect(all?.count == 3)
    #expect(readSmallFamily(of: 0x3FFF_FFFF) == nil)
    // A large tree would take too long for one step.
    for _ in 0..<64 { children.append(try #require(Int32(try python.execute(fork)))) }
    #expect(readSmallFamily(of: python.pid) == nil)
  }

  @Test func `a process tree that has ended has no listening sockets`() throws {
    let sampler = ConnectionSampler(ports: nil, owner: .descendants(of: 0x3FFF_FFFF), excluding: nil, quiet: .zero)
    #expect(try sampler.pass().portSource == .none)
  }

  @Test func `a zombie does not make the scan inconclusive`() throws {
    guard getuid() == 0 else { return }
    let python = try PythonProcess()
    // A zombie: only root may open its folder.
    try python.execute("p = os.fork(); p or os._exit(0); os.waitid(os.P_PID, p, os.WEXITED | os.WNOWAIT)")
    #expect(try watch(python).pass().portSource == .none)
  }

  @Test func `a scan without a source has an unknown port source`() throws {
    let sampler = ConnectionSampler(
      ports: nil, owner: .descendants(of: getpid()), excluding: nil, quiet: .zero, source: ConnectionSource.none)
    let sample = try sampler.pass()
    #expect(sample.portSource == .unknown)
    #expect(sample.source == .none)
    #expect(sample.ports.isEmpty)
  }
}
