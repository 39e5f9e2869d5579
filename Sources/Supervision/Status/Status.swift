/// All that a status page says.
package struct Status: Sendable {
  /// What stays.
  package var info: SupervisorInfo
  /// What changes.
  package var snapshot: StatusSnapshot

  package init(info: SupervisorInfo, snapshot: StatusSnapshot) {
    self.info = info
    self.snapshot = snapshot
  }
}
