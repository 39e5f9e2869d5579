import CPlatform
import Platform
import Primitives

/// What ebb inherited and changes for itself, but not for the command.
struct InheritedState {
  let blockedSignals: SignalSet
  let parent: Int32

  func restoreSignals() { setBlockedSignals(blockedSignals) }
}
