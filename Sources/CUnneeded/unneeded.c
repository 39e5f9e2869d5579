// What libdispatch calls in libc and ebb neither needs nor wants, defined here so that libc's own, and all that these
// call in turn, stay out of the program: 130 kB of it. A target of its own, since a test bundle must keep libc's.

#include <stdarg.h>

// libdispatch complains of its own faults to the system log. There is none in a container, and connecting to it may
// wait, which the core must never do. syslog(3).
void syslog(int priority, const char *format, ...) {}
void vsyslog(int priority, const char *format, va_list arguments) {}

// libdispatch reads the states of its worker threads from /proc with sscanf(3), under its C99 name. ebb has no worker
// threads: nothing that runs here calls it. 0: nothing was read.
int __isoc99_sscanf(const char *text, const char *format, ...) { return 0; }
