import CPlatform
import Platform
import Primitives
import Supervision

/// The output of a run: the log on standard error, and its last line in the termination log. Only `flush` blocks.
final class Journal {
  private let format: LogFormat
  /// `nil`: no file.
  private let terminationLog: String?
  /// Whether warnings are omitted, because another init would not write them.
  private let isAsleep: Bool
  private let log = LogWriter(descriptor: 2, capacity: 64 * 1024)
  /// On a thread of its own, because the log's may be blocked by a pipe that is not read.
  private lazy var message = LogWriter(capacity: .max) { [terminationLog] line in
    if let terminationLog { writeTerminationLog(line, to: terminationLog) }
  } withoutWaiting: { [terminationLog] line in
    // Without a thread this may block if the file system hangs too. The alternative is to lose every report where no
    // thread can be created, as under a seccomp profile. Nothing is left to do but to exit.
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

  /// Waits until all lines have been written, at most `limit`.
  func flush(within limit: TimeAmount) {
    let end = monotonicTime() + limit
    log.flush(until: end)
    message.flush(until: end)
  }
}
