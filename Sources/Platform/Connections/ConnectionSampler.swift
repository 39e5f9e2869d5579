import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Samples the connections of the command's ports. A pass is many short steps, because the supervisor's queue does
/// other work between them. Exception: the kernel keeps one socket table for all network namespaces. If few of very
/// many sockets are the command's, one step takes as long as iterating over the others: some milliseconds for 50 000.
///
/// Not safe for use by several threads at a time.
package final class ConnectionSampler {
  /// The processes whose listening sockets count.
  package enum Owner: Sendable {
    /// The descendants of a process, without the process itself.
    case descendants(of: Int32)
    /// A process and its descendants.
    case tree(of: Int32)
    /// Every process in /proc except this one.
    case everyone
  }

  /// Descriptors that stay open, for the connections and for closed ones. Reading /proc needs some more for a moment.
  package static let maxDescriptors = 2

  private let owner: Owner
  private let quiet: TimeAmount
  private let ownConnections: () -> Int
  private let listenersOnly: Bool
  private let table: SocketDump
  private var listeners: PortDiscovery
  private var internals = InternalConnections()
  private var records: ConnectionTable
  /// When this step read its rows.
  private var readAt = Instant(nanoseconds: 0)
  /// `nil` before the first pass.
  private var closed: ClosedSocketMonitor?
  private var passiveOpensAtStart: Int?
  /// In this pass.
  private var hasLookedForAccepted = false
  private var stage = Stage.idle
  private var sample: ConnectionSample

  private enum Stage {
    case idle
    case listeners
    case accepted(clientPorts: ClosedRange<UInt16>)
    case owners(SocketOwnerScan)
    case closed
    case connections
    case otherEnds
    /// `nil` if no other end was found.
    case ownersOfEnds(SocketOwnerScan?)
  }

  /// Connections whose other ends one step queries; each query takes some microseconds.
  private static let maxOtherEnds = 32

  /// Opens nothing before the first pass. `ports`: `nil` to discover them. `excluding`: ebb's own port, which never
  /// counts. `ownConnections`: accepted on that port so far. `quiet`: idle time after the last byte.
  package convenience init(
    ports: [Port]?, owner: Owner, excluding: UInt16?, quiet: TimeAmount, ownConnections: @escaping () -> Int = { 0 }
  ) {
    self.init(
      ports: ports, owner: owner, excluding: excluding, quiet: quiet, ownConnections: ownConnections,
      source: .diagWithInfo)
  }

  /// Only checks whether the command listens: reads no connections and receives no events of closed ones.
  package convenience init(listenersOf owner: Owner, excluding: UInt16?) {
    self.init(
      ports: nil, owner: owner, excluding: excluding, quiet: .zero, source: .diagWithInfo, listenersOnly: true)
  }

  /// `source`: the best source to try.
  init(
    ports: [Port]?, owner: Owner, excluding: UInt16?, quiet: TimeAmount, ownConnections: @escaping () -> Int = { 0 },
    source: ConnectionSource, listenersOnly: Bool = false
  ) {
    self.owner = owner
    self.listenersOnly = listenersOnly
    self.quiet = quiet
    self.ownConnections = ownConnections
    table = SocketDump(source: source)
    records = ConnectionTable(given: ports ?? [])
    listeners = PortDiscovery(given: ports?.map { $0.number }, excluding: excluding)
    sample = ConnectionSample(source: source, listeners: .unknown)
  }

  /// What the kernel lets this process see; final after the first pass.
  package var source: ConnectionSource { table.source }
  /// The sampled ports, in ascending order.
  package var ports: [UInt16] { listeners.ports.elements }

  /// Begins a pass and abandons one under way. `lookForListeners`: first discovers the listening sockets, unless given.
  package func startPass(lookForListeners: Bool) {
    let before = threadTime()
    if closed == nil, !listenersOnly {
      closed = ClosedSocketMonitor()
      passiveOpensAtStart = readPassiveOpens()
    }
    closed?.beginPass()
    internals.beginPass()
    records.beginPass(at: monotonicTime())
    hasLookedForAccepted = false
    sample = ConnectionSample(source: source, listeners: .unknown)
    if lookForListeners, listeners.portSource != .given {
      beginListeners()
    } else {
      stage = .closed
    }
    sample.cost = threadTime() - before
  }

  /// Does the next step. Returns `nil` while there is more to do. `onConnection` receives each connection; if the
  /// kernel's answer breaks off and the pass begins again, it receives each one again.
  package func advance(_ onConnection: ((Connection) -> Void)?) -> Result<ConnectionSample, SamplingFailure>? {
    let before = threadTime()
    let result = advanceStage(onConnection)
    sample.cost = sample.cost + (threadTime() - before)
    switch result {
    case nil: return nil
    case .done:
      stage = .idle
      finishSample()
      return .success(sample)
    case .failed(let failure):
      stage = .idle
      return .failure(failure)
    }
  }

  private enum Outcome {
    case done
    case failed(SamplingFailure)
  }

  private func advanceStage(_ onConnection: ((Connection) -> Void)?) -> Outcome? {
    switch stage {
    case .idle: return .failed(SamplingFailure(reason: "no sample was started"))
    case .listeners: return lookForListeners { listeners.add($0) }
    case .accepted(let clientPorts):
      return lookForListeners { listeners.addAccepted($0, clientPorts: clientPorts) }
    case .owners(let search):
      if search.step() { return nil }
      var isEverybody = false
      if case .everyone = owner { isEverybody = true }
      listeners.finishScan(search.findings, controlGroup: readOwnControlGroup(), isEverybody: isEverybody)
      stage = .closed
      if !listenersOnly, listeners.portSource == .none, search.findings.hasSockets { lookForAccepted() }
    case .closed:
      if closed?.step(listeners.ports, internals) == true { return nil }
      guard !listenersOnly, !ports.isEmpty else { return .done }
      table.begin(listenersOnly: false, ports: listeners.ports)
      stage = .connections
    case .connections: return count(onConnection)
    case .otherEnds: lookForOtherEnds()
    case .ownersOfEnds(let search):
      if search?.step() == true { return nil }
      internals.conclude(search?.findings ?? PortDiscovery.ScanResult(), controlGroup: readOwnControlGroup()) {
        add($0, onConnection)
      }
      return .done
    }
    return nil
  }

  private func beginListeners() {
    listeners.beginLook()
    table.begin(listenersOnly: true, ports: SortedSet())
    stage = .listeners
  }

  /// A command without listening sockets may have closed them and still owe responses: `nginx -s quit` in a preStop
  /// hook begins a stop in two steps. Until that is known nothing is certain, also if this pass fails or is abandoned.
  private func lookForAccepted() {
    guard !hasLookedForAccepted, let text = try? readFile("/proc/sys/net/ipv4/ip_local_port_range", upTo: 64),
      let clientPorts = parseClientPorts(text)
    else { return }
    hasLookedForAccepted = true
    listeners.restart()
    table.begin(listenersOnly: false, ports: nil)
    stage = .accepted(clientPorts: clientPorts)
  }

  private func lookForListeners(_ take: (SocketRecord) -> Void) -> Outcome? {
    switch table.step(take) {
    case .more: break
    case .again: listeners.beginLook()
    case .failed(let failure): return .failed(failure)
    case .done:
      guard source != .none else { return .done }
      stage = listeners.needsSearch ? .owners(SocketOwnerScan(owner, for: listeners)) : .closed
    }
    return nil
  }

  private func count(_ onConnection: ((Connection) -> Void)?) -> Outcome? {
    readAt = monotonicTime()
    let progress = table.step { row in
      guard let connection = row.connection, !hasTree || internals.counts(row) else { return }
      add(connection, onConnection)
    }
    switch progress {
    case .more: return nil
    case .again:
      sample.counts = ConnectionCounts()
      internals.beginAnew()
      return nil
    case .failed(let failure): return .failed(failure)
    case .done:
      guard !internals.held.isEmpty else { return .done }
      stage = .otherEnds
      return nil
    }
  }

  private func add(_ connection: Connection, _ onConnection: ((Connection) -> Void)?) {
    sample.counts.add(connection, quiet: quiet, records.look(connection, at: readAt))
    onConnection?(connection)
  }

  /// Without a process tree, all connections count as coming from outside.
  private var hasTree: Bool {
    if case .descendants = owner { true } else { false }
  }

  // MARK: Internal connections

  private func lookForOtherEnds() {
    do throws(Errno) {
      for _ in 0..<ConnectionSampler.maxOtherEnds {
        guard let row = internals.nextHeld else { break }
        internals.add(try table.otherEnd(of: row))
      }
      if internals.nextHeld != nil { return }
    } catch {}  // the rest stays unknown, and counts
    let inodes = internals.inodes
    stage = .ownersOfEnds(inodes.isEmpty ? nil : SocketOwnerScan(owner, for: inodes, wantsOthers: false))
  }

  private func finishSample() {
    sample.source = source
    sample.ports = ports
    sample.portSource = listeners.portSource
    sample.isDenied = listeners.isDenied
    if let closed {
      // A counted connection that turned out to be internal leaves the count like a closed one.
      sample.closed = closed.count + internals.countedBefore
      sample.missedCloses = closed.mayHaveMissedEvents
      sample.sinceReceivedByClosed = closed.sinceReceived
      sample.eventHorizonAge = closed.completeUntil.map { monotonicTime() - $0 }
      closed.endPass()
    }
    if let start = passiveOpensAtStart, let now = readPassiveOpens() { sample.passiveOpens = max(0, now - start) }
  }

  private func readPassiveOpens() -> Int? {
    (try? readFile("/proc/net/snmp", upTo: 8192)).flatMap { parsePassiveOpens(snmp: $0) }.map { $0 - ownConnections() }
  }
}

extension ConnectionSampler {
  /// Does all steps of a pass, for a caller with nothing else to do.
  package func finish(_ onConnection: ((Connection) -> Void)?) -> Result<ConnectionSample, SamplingFailure> {
    while true {
      if let result = advance(onConnection) { return result }
    }
  }
}
