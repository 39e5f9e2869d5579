import CPlatform
import Supervision

/// Lines on their way to standard error. Whoever submits never waits; one thread, which does nothing else, writes and
/// may wait as long as the reader likes. O_NONBLOCK is no cure: it would be set for the command's standard error too,
/// which is the same open file.
///
/// Standard error being full, lines are dropped beyond `capacity` and counted.
public final class LogWriter: @unchecked Sendable {
  private let descriptor: Int32
  private let capacity: Int
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  // Guarded by the mutex.
  private var lines: [[UInt8]] = []
  private var waitingBytes = 0
  private var isWriting = false
  private var dropped = 0
  private var restsAt: timespec?

  /// `capacity` is how many bytes may wait to be written.
  public init(descriptor: Int32, capacity: Int) {
    self.descriptor = descriptor
    self.capacity = capacity
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Adds a line, or counts it as dropped where too much waits already. Never waits.
  public func submit(_ line: [UInt8]) {
    locked {
      guard waitingBytes + line.count <= capacity else {
        dropped += 1
        return
      }
      lines.append(line)
      waitingBytes += line.count
      pthread_cond_broadcast(changed)
    }
  }

  /// How many lines were dropped since this was last asked, once there is room for a line that says so; else 0.
  public func takeDroppedCount() -> Int {
    locked {
      guard dropped > 0, waitingBytes <= capacity / 2 else { return 0 }
      defer { dropped = 0 }
      return dropped
    }
  }

  /// Writes lines as they come. Where standard error is gone (EPIPE, EBADF) they are lost, and nothing else happens.
  /// `rest` runs when it was planned: this thread is the only one that has time.
  public func run(rest: () -> Void) -> Never {
    while true {
      if let line = nextLine() { write(line) } else { rest() }
    }
  }

  /// Plans a rest in such a while, unless an earlier plan still stands. Never waits.
  public func planRest(in span: Span) {
    locked {
      guard restsAt == nil else { return }
      restsAt = deadline(in: span)
      pthread_cond_broadcast(changed)
    }
  }

  /// Nil: it is time for a rest.
  private func nextLine() -> [UInt8]? {
    locked {
      while lines.isEmpty {
        guard var end = restsAt else {
          pthread_cond_wait(changed, mutex)
          continue
        }
        if pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT, lines.isEmpty {
          restsAt = nil
          return nil
        }
      }
      isWriting = true
      return lines.removeFirst()
    }
  }

  private func write(_ line: [UInt8]) {
    try? writeAll(line, to: descriptor)
    locked {
      isWriting = false
      waitingBytes -= line.count
      pthread_cond_broadcast(changed)
    }
  }

  /// Waits until every line has been written, at most `limit`.
  public func flush(within limit: Span) {
    var end = deadline(in: limit)
    locked {
      while !lines.isEmpty || isWriting {
        if pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT { return }
      }
    }
  }

  private func deadline(in span: Span) -> timespec {
    let end = monotonicTime() + span
    return timespec(tv_sec: Int(end.nanoseconds / 1_000_000_000), tv_nsec: Int(end.nanoseconds % 1_000_000_000))
  }

  private func locked<Value>(_ body: () -> Value) -> Value {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}
