import Primitives

/// A task for the event loop. It performs the actions of an event in order.
package enum Action: Sendable {
  case send(Signal, to: SignalTarget)
  /// Send SIGKILL to every descendant of ebb, which includes a running command.
  case killDescendants(within: TimeAmount)
  /// Find ebb's children. The result is an event.
  case findChildren
  /// Find the members of the command's process group. The result is an event.
  case findGroup
  /// Send the signal and then SIGCONT to each of these. The result is an event.
  case signalLeftovers(Signal, [SignalTarget])
  /// Find out which of these children listen, or have a descendant that does. The result is an event.
  case findListening([Int32])
  /// Send SIGKILL to ebb's own children. Their children become ebb's next. An event reports the end, after the actions
  /// that follow.
  case killChildren
  /// Find the children that are still alive. The result is an event, immediately.
  case lookForSurvivors
  /// Take the terminal back and stop like the command did. After SIGCONT, return the terminal if ebb owns it again and
  /// continue the command's group if it is in the foreground. In the background (`bg`), ebb forwards the SIGCONT that
  /// continued it like any other signal.
  case suspend
  /// Stop this process until a SIGCONT. PID 1 cannot be stopped and ignores this.
  case stopSelf
  /// Check whether the command is ready. The result is an event, unless the attempt is abandoned before.
  case probe
  case abandonProbe
  /// Begin sampling the connections, replacing a sample in progress. The result is an event.
  case count(lookForListeners: Bool)
  /// Run the pre-stop hook and pass it this signal.
  case startHook(Signal)
  /// Send SIGKILL to the pre-stop hook, which has not been reaped, and to its process group.
  case killHook
  case log(LogRecord)
  /// Write the last line of the run to the termination log, which the orchestrator reads.
  case writeTerminationMessage(LogRecord)
  /// Exit; always the last action. Waits at most `flush` for the log to be written.
  case exit(code: Int, flush: TimeAmount)
}
