/// A child of ebb.
package struct ChildProcess: Equatable, Sendable {
  /// The process ID, valid until ebb has reaped the child.
  package let pid: Int32
  package let group: Int32

  package init(pid: Int32, group: Int32) { (self.pid, self.group) = (pid, group) }
}
