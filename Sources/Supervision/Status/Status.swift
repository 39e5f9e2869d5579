/// The content of a status page.
package struct Status: Sendable {
  /// The constant part.
  package var info: SupervisorInfo
  /// The part that changes.
  package var snapshot: StatusSnapshot

  package init(info: SupervisorInfo, snapshot: StatusSnapshot) {
    self.info = info
    self.snapshot = snapshot
  }
}
