import Primitives

/// What the event loop has to do, in order.
package enum Action: Sendable {
  case send(Signal, to: SignalTarget)
  /// SIGKILL to every descendant of ebb; the command is one while it lives.
  case killDescendants(within: TimeAmount)
  /// Look for ebb's children. The answer is an event.
  case findChildren
  /// Look which processes are in the command's process group. The answer is an event.
  case findGroup
  /// Send each of these the signal, and then SIGCONT. The answer is an event.
  case signalLeftovers(Signal, [SignalTarget])
  /// Look whether these children of ebb listen, or any descendant of theirs. The answer is an event.
  case findListening([Int32])
  /// SIGKILL to ebb's own children. A process that loses its parent by that is a child next. An event tells when it is
  /// done, after the actions that follow.
  case killChildren
  /// See which children live on. The answer is an event, at once.
  case lookForSurvivors
  /// Take the terminal back and stop as the command did. Continued: hand it over if it is ebb's again, and continue the
  /// command's group if it is in the foreground. Else (`bg`) the SIGCONT that continued ebb is forwarded like any
  /// signal.
  case suspend
  /// Stop this process until a SIGCONT, unless it is PID 1, which cannot be stopped.
  case stopSelf
  /// Ask the command whether it is ready. The answer is an event, unless the attempt is abandoned before.
  case probe
  case abandonProbe
  /// Begin a pass over the connections, in place of one that is under way. Its result is an event.
  case count(lookForListeners: Bool)
  /// Run the pre-stop hook, which is told of this signal.
  case startHook(Signal)
  /// SIGKILL to the pre-stop hook and its process group. It has not been reaped.
  case killHook
  case log(LogRecord)
  /// Put the run's last line where the orchestrator looks for it: the termination log.
  case writeTerminationMessage(LogRecord)
  /// The last action. Waits at most `flush` for the log to be written.
  case exit(code: Int, flush: TimeAmount)
}
