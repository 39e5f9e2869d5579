/// A child of ebb.
package struct ChildProcess: Equatable, Sendable {
  /// Its own until ebb has reaped it.
  package let pid: Int32
  /// Its process group.
  package let group: Int32

  package init(pid: Int32, group: Int32) { (self.pid, self.group) = (pid, group) }
}
