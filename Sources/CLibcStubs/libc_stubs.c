// What libdispatch calls in libc and ebb neither needs nor wants, defined here so that libc's own, and all that these
// call in turn, stay out of the program: 130 kB of it. A target of its own, since a test bundle must keep libc's.

#include <stdarg.h>
#include <sys/random.h>
#include <time.h>

// libdispatch complains of its own faults to the system log. There is none in a container, and connecting to it may
// wait, which the core must never do. syslog(3).
void syslog(int priority, const char *format, ...) {}
void vsyslog(int priority, const char *format, va_list arguments) {}

// libdispatch (6.3, event/workqueue.c) reads the states of its worker threads from /proc with sscanf(3), under its C99 name or,
// from glibc 2.38 on, its C23 name. ebb has no worker threads: nothing that runs here calls it. 0: nothing was read.
int __isoc99_sscanf(const char *text, const char *format, ...) { return 0; }
int __isoc23_sscanf(const char *text, const char *format, ...) { return 0; }

// Swift seeds its hash tables with this one, and libc's waits for the machine's entropy early in its boot, ends the process
// where a seccomp profile refuses getrandom(2), and is missing before glibc 2.36. ebb has no hash table; should one come,
// its seed need not be secret.
void arc4random_buf(void *bytes, size_t count) {
  if (getrandom(bytes, count, GRND_NONBLOCK) == (ssize_t)count) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  for (size_t i = 0; i < count; i++) ((unsigned char *)bytes)[i] = now.tv_nsec >> (i % 4 * 8);
}
