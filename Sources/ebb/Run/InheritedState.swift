import CPlatform
import Platform
import Primitives

/// What ebb was started with and changes for itself, but not for the command.
struct InheritedState {
  let blockedSignals: SignalSet
  /// The parent's pid at the start.
  let parent: Int32

  func restoreSignals() { setBlockedSignals(blockedSignals) }
}
