/// All that a status page says.
package struct Status: Sendable {
  /// What stays.
  package var facts: SupervisorFacts
  /// What changes.
  package var now: StatusSnapshot

  package init(facts: SupervisorFacts, now: StatusSnapshot) {
    self.facts = facts
    self.now = now
  }
}
