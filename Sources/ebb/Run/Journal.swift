import CPlatform
import Platform
import Primitives
import Supervision

/// What a run says: the log on standard error, and its last line in the termination log. Nothing here waits but `flush`.
final class Journal {
  private let format: LogFormat
  /// Nil: no file.
  private let terminationLog: String?
  /// Warnings are left out: another init would not write them.
  private let isAsleep: Bool
  private let log = LogWriter(descriptor: 2, capacity: 64 * 1024)
  /// Has a thread of its own: the log's may be stuck at a pipe without a reader.
  private lazy var message = LogWriter(capacity: .max) { [terminationLog] line in
    if let terminationLog { writeTerminationLog(line, to: terminationLog) }
  } withoutWaiting: { [terminationLog] line in
    // Without a thread this may wait, if the file system hangs at the same time. To lose each report where no thread can
    // be had, as under a seccomp profile, would be worse: all that is left to do is to exit.
    if let terminationLog { writeTerminationLog(line, to: terminationLog) }
    return true
  }

  init(_ options: RunOptions) {
    format = options.logFormat
    isAsleep = options.asleep != nil
    let usual = "/dev/termination-log"
    terminationLog = isAsleep ? nil : options.terminationLog ?? (access(usual, W_OK) == 0 ? usual : nil)
  }

  func warn(_ event: String, _ message: String) {
    if isAsleep { return }
    write(LogRecord(.warning, event, message), at: unixMilliseconds())
  }

  /// `wallTime`: milliseconds since 1970-01-01 UTC.
  func write(_ record: LogRecord, at wallTime: Int) {
    let dropped = log.takeDroppedCount()
    if dropped > 0 {
      let notice = LogRecord(
        .warning, "log-dropped", [("lines", .number(dropped))], "dropped log lines: standard error was not read in time"
      )
      log.submit(notice.line(format, unixMilliseconds: wallTime))
    }
    log.submit(record.line(format, unixMilliseconds: wallTime))
  }

  func writeTerminationMessage(_ record: LogRecord, at wallTime: Int) {
    guard terminationLog != nil else { return }
    message.submit(record.line(format, unixMilliseconds: wallTime))
  }

  /// Waits until all has been written, at most `limit`.
  func flush(within limit: TimeAmount) {
    let end = monotonicTime() + limit
    log.flush(until: end)
    message.flush(until: end)
  }
}
