// Functions of libc that libdispatch calls and ebb does not need. Defined here, they keep libc's own and everything
// that those call out of the executable, which saves 130 kB. A separate target, because a test bundle must keep libc's.

#include <stdarg.h>
#include <sys/random.h>
#include <time.h>

// libdispatch logs internal errors to the system log. A container has none, and connecting to it may block, which the
// core must never do. syslog(3).
void syslog(int priority, const char *format, ...) {}
void vsyslog(int priority, const char *format, va_list arguments) {}

// libdispatch (6.3, event/workqueue.c) reads the states of worker threads from /proc with sscanf(3), named as in C99
// or, from glibc 2.38 on, as in C23. ebb has no worker threads, so this is never called. 0 means that nothing was read.
int __isoc99_sscanf(const char *text, const char *format, ...) { return 0; }
int __isoc23_sscanf(const char *text, const char *format, ...) { return 0; }

// Swift seeds its hash tables with this function. libc's waits for entropy early in the machine's boot, ends the
// process if a seccomp profile refuses getrandom(2), and is missing before glibc 2.36. ebb has no hash table; if one is
// added, its seed may be public.
void arc4random_buf(void *bytes, size_t count) {
  if (getrandom(bytes, count, GRND_NONBLOCK) == (ssize_t)count) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  for (size_t i = 0; i < count; i++) ((unsigned char *)bytes)[i] = now.tv_nsec >> (i % 4 * 8);
}
