// Calls between Dispatch and the kernel. The linker redirects Dispatch's calls to the functions below (--wrap, ld(1))
// and `__real_` to libc's, with every toolchain and architecture: libdispatch of Swift 6.2.3 (x86_64, aarch64) and
// 6.3.1 uses these names. The tests of the core fail if it stops using one; .ci/run runs them with both toolchains.

#define _GNU_SOURCE
#include "libc_stubs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

// The manager thread.
//
// Dispatch starts a thread for its manager queue at the first use. ebb's main thread has nothing else to do, so it
// becomes that thread. No thread has to be created, and an event needs no hop between threads.

static bool is_first_use;
static void *(*manager)(void *);
static void *manager_context;

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *context) {
  if (!is_first_use || manager != NULL || syscall(SYS_gettid) != getpid()) {
    return __real_pthread_create(thread, attributes, start, context);
  }
  manager = start;
  manager_context = context;
  *thread = pthread_self();
  return 0;
}

bool ebb_capture_manager(void (*first_use)(void *), void *context) {
  is_first_use = true;
  first_use(context);
  is_first_use = false;
  return manager != NULL;
}

void ebb_run_manager(void) {
  manager(manager_context);
  abort();  // the manager queue never ends
}

// Dispatch names its thread and sets it to nice -4 if allowed. The main thread must keep the program's name, and the
// niceness that its children inherit. pthread_setname_np(3), setpriority(2).
int pthread_setname_np(pthread_t thread, const char *name) { return 0; }
int setpriority(__priority_which_t which, id_t who, int priority) { return 0; }

// The descriptors that the manager waits with.

static void (*failure_handler)(void *context, const char *call, int error);
static void *failure_context;

void ebb_watch_dispatch(void (*handler)(void *context, const char *call, int error), void *context) {
  failure_context = context;
  failure_handler = handler;
}

static int checked(const char *call, int result) {
  if (result < 0 && failure_handler != NULL) {
    is_first_use = false;  // a thread started by the handler is not the manager
    failure_handler(failure_context, call, errno);
  }
  return result;
}

int __real_epoll_create1(int);
int __wrap_epoll_create1(int flags) { return checked("epoll_create1", __real_epoll_create1(flags)); }

int __real_epoll_ctl(int, int, int, struct epoll_event *);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  return checked("epoll_ctl", __real_epoll_ctl(epoll, operation, fd, event));
}

int __real_eventfd(unsigned, int);
int __wrap_eventfd(unsigned count, int flags) { return checked("eventfd2", __real_eventfd(count, flags)); }

// Dispatch makes a descriptor for each signal with a source. At each signal the kernel checks all of them, which costs
// 0.2 us each; forwarding takes 10 us. So one source covers several signals. Its event does not contain the signal
// number. Only the reader of the descriptor sees it, which is Dispatch: _dispatch_event_merge_signal in event_epoll.c
// of libdispatch 6.3 reads one at a time, and the source's handler runs before the next.

static sigset_t joined;
static int joining_signal;
static int joined_descriptor = -1;
static uint64_t joined_signals;

void ebb_join_signals(int number, uint64_t mask) {
  joining_signal = number;
  sigemptyset(&joined);
  for (int other = 1; other <= 64; other++) {
    if (mask >> (other - 1) & 1) sigaddset(&joined, other);
  }
}

bool ebb_has_joined_signals(void) { return joined_descriptor >= 0; }

uint64_t ebb_take_joined_signals(void) {
  uint64_t taken = joined_signals;
  joined_signals = 0;
  return taken;
}

int __real_signalfd(int, const sigset_t *, int);
int __wrap_signalfd(int fd, const sigset_t *mask, int flags) {
  if (joining_signal == 0 || !sigismember(mask, joining_signal)) {
    return checked("signalfd4", __real_signalfd(fd, mask, flags));
  }
  joining_signal = 0;
  return joined_descriptor = checked("signalfd4", __real_signalfd(fd, &joined, flags));
}

ssize_t __real_read(int, void *, size_t);
ssize_t __wrap_read(int fd, void *bytes, size_t count) {
  ssize_t got = __real_read(fd, bytes, count);
  if (fd == joined_descriptor && got > 0) {
    joined_signals |= 1ull << (((struct signalfd_siginfo *)bytes)->ssi_signo - 1);
  }
  return got;
}

int __real_timerfd_create(int, int);
int __wrap_timerfd_create(int clock, int flags) { return checked("timerfd_create", __real_timerfd_create(clock, flags)); }

int __real_timerfd_settime(int, int, const struct itimerspec *, struct itimerspec *);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old) {
  return checked("timerfd_settime", __real_timerfd_settime(fd, flags, time, old));
}
