#include "test_app.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_line(int descriptor, const char *format, va_list arguments) {
  static char line[65536];
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  if (length < 0) return;
  if ((size_t)length > sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  for (int done = 0; done < length;) {
    ssize_t n = write(descriptor, line + done, length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    done += n;
  }
}

void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line(STDOUT_FILENO, format, arguments);
  va_end(arguments);
}

void die(const char *format, ...) {
  char message[1024];
  int error = errno;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  dprintf(STDERR_FILENO, "TestApp: %s: %s\n", message, strerror(error));
  _exit(99);
}

void say_ready(const char *tag) {
  say("%s%sready pid=%d ppid=%d pgid=%d sid=%d", tag ? tag : "", tag ? " " : "", getpid(), getppid(), getpgrp(),
      getsid(0));
}
