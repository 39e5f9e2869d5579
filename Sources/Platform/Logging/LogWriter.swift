import CPlatform
import Primitives

/// Writes lines to a place that may block: a standard error that is not read, or a file on a file system that hangs.
///
/// Submitting never blocks. A thread writes the lines. It starts with the first line, because most runs have none.
/// O_NONBLOCK is no alternative: the command's standard error is the same open file and would get it too.
///
/// If no thread can be created (pids cgroup, RLIMIT_NPROC, a seccomp profile), lines are written without blocking.
/// Lines beyond `capacity`, or that cannot be written immediately without a thread, are dropped and counted.
package final class LogWriter: @unchecked Sendable {
  private let capacity: Int
  private let write: ([UInt8]) -> Void
  private let writeNow: ([UInt8]) -> Bool
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// Used only by the one thread that submits.
  private var hasThread = false

  // Guarded by the mutex.
  private var lines: [[UInt8]] = []
  private var waitingBytes = 0
  private var isWriting = false
  private var dropped = 0

  /// Writes to a descriptor. `capacity`: bytes that may wait to be written.
  package convenience init(descriptor: Int32, capacity: Int) {
    self.init(capacity: capacity) { line in
      // If standard error is gone (EPIPE, EBADF), the line is lost.
      try? writeAll(line, to: descriptor)
    } withoutWaiting: { line in
      Platform.writeNow(line, to: descriptor)
    }
  }

  /// `write` runs on the thread and may block. Without a thread `withoutWaiting` runs and returns whether it wrote.
  package init(
    capacity: Int, write: @escaping ([UInt8]) -> Void, withoutWaiting writeNow: @escaping ([UInt8]) -> Bool
  ) {
    (self.capacity, self.write, self.writeNow) = (capacity, write, writeNow)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  /// Adds a line, or counts it as dropped if too many bytes are waiting. Never blocks.
  package func submit(_ line: [UInt8]) {
    // The thread retains the writer forever.
    if !hasThread { hasThread = ebb_start_thread({ run(LogWriter: $0) }, Unmanaged.passRetained(self).toOpaque()) == 0 }
    guard hasThread else {
      Unmanaged.passUnretained(self).release()
      if !writeNow(line) { dropped += 1 }
      return
    }
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

  /// Returns the number of lines dropped since the last call; 0 while there is no room for a line that reports it.
  package func takeDroppedCount() -> Int {
    locked {
      guard dropped > 0, waitingBytes <= capacity / 2 else { return 0 }
      defer { dropped = 0 }
      return dropped
    }
  }

  /// Waits until every line has been written, at most `limit`.
  package func flush(within limit: TimeAmount) { flush(until: monotonicTime() + limit) }

  /// Waits until every line has been written, at most until `end`.
  package func flush(until end: Instant) {
    var end = timespec(
      tv_sec: Int(end.nanoseconds / 1_000_000_000), tv_nsec: Int(end.nanoseconds % 1_000_000_000))
    locked {
      while !lines.isEmpty || isWriting {
        if pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT { return }
      }
    }
  }

  fileprivate func writeLines() -> Never {
    while true {
      let line = locked {
        while lines.isEmpty { pthread_cond_wait(changed, mutex) }
        isWriting = true
        return lines.removeFirst()
      }
      write(line)
      locked {
        isWriting = false
        waitingBytes -= line.count
        pthread_cond_broadcast(changed)
      }
    }
  }

  private func locked<Value>(_ body: () -> Value) -> Value {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}

private func run(LogWriter context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<LogWriter>.fromOpaque(context).takeUnretainedValue().writeLines()
}
