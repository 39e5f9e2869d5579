import CPlatform
import Primitives

/// Why the supervisor cannot work: the call that failed and its error, or the limit that is too low.
package struct MissingRequirement: Error, Sendable {
  /// A message for the user.
  package let message: String
}

/// Creates everything that the supervisor will need at one time, then releases it: the descriptors that Dispatch waits
/// with, `signals` signal descriptors, `others` for everything else, and memory. Inherited descriptors count, because
/// they are closed only after the command has its own.
///
/// Raises the soft limit of descriptors (RLIMIT_NOFILE) as far as needed, if the hard limit allows. Returns the
/// previous soft limit for the command; `nil` if unchanged. Throws the call that failed or the limit that is too low.
package func provideRequirements(signals: Int, others: Int) throws(MissingRequirement) -> Int? {
  let limit = descriptorLimit()
  var isRaised = false
  var opened: [Int32] = []
  defer { for descriptor in opened { close(descriptor) } }
  let first: [(call: String, make: () -> Int32)] = [
    ("epoll_create1", { ebb_epoll() }), ("eventfd2", { ebb_eventfd() }), ("timerfd_create", { ebb_timerfd() }),
    ("signalfd4", { ebb_signalfd(SignalSet.all.mask) }),
  ]
  for index in 0..<(3 + signals + others) {
    let (call, make) = index < first.count ? first[index] : ("fcntl", { ebb_duplicate_above(opened[0], 0) })
    var descriptor = make()
    if descriptor < 0, Errno.current.code == EMFILE, !isRaised {
      // All numbers below the limit are in use, so the limit must grow by the number of missing descriptors.
      let needed = limit + 3 + signals + others - index
      guard ebb_raise_descriptor_limit(Int32(clamping: needed)) == 0 else {
        throw MissingRequirement(
          message:
            "\(needed) file descriptors are needed, and RLIMIT_NOFILE allows \(limit): raise the limit of open files")
      }
      isRaised = true
      descriptor = make()
    }
    guard descriptor >= 0 else { throw MissingRequirement(call) }
    opened.append(descriptor)
  }
  let (epoll, timer) = (opened[0], opened[2])
  if ebb_set_timerfd(timer) < 0 { throw MissingRequirement("timerfd_settime") }
  if ebb_add_to_epoll(epoll, timer) < 0 { throw MissingRequirement("epoll_ctl") }
  if ebb_look_at_epoll(epoll) < 0 { throw MissingRequirement("epoll_wait") }
  // As much as a stop needs. It stays in the heap.
  if !ebb_try_memory(96 * 1024) { throw MissingRequirement("malloc") }
  return isRaised ? limit : nil
}

extension MissingRequirement {
  fileprivate init(_ call: String) { message = "\(call): \(Errno.current.description)" }
}
