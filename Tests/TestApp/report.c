// report [--stay]: prints everything that a command inherits, one fact per line, then "end".

#define _GNU_SOURCE
#include "test_app.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say_signals(const char *what, bool (*holds)(int number, const void *context), const void *context) {
  char line[1024] = "";
  for (int number = 1; number <= 64; number++) {
    if (!holds(number, context)) continue;
    strcat(line, " ");
    strcat(line, signal_name(number));
  }
  say("%s:%s", what, line);
}

static bool is_blocked(int number, const void *mask) { return sigismember(mask, number) == 1; }

static bool is_ignored(int number, const void *unused) {
  struct sigaction action;
  (void)unused;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void say_descriptors(void) {
  char line[8192] = "";
  for (int descriptor = 0; descriptor < 1024; descriptor++) {
    if (fcntl(descriptor, F_GETFD) < 0) continue;
    char one[16];
    snprintf(one, sizeof one, " %d", descriptor);
    strcat(line, one);
  }
  say("descriptors:%s", line);
}

static void say_nonblocking(void) {
  char line[64] = "";
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || !(flags & O_NONBLOCK)) continue;
    char one[16];
    snprintf(one, sizeof one, " %d", descriptor);
    strcat(line, one);
  }
  say("nonblocking:%s", line);
}

int mode_report(int argc, char **argv) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  char directory[PATH_MAX];
  if (!getcwd(directory, sizeof directory)) die("getcwd");

  say_ready(NULL);
  say("foreground: %d", tcgetpgrp(STDIN_FILENO));
  say_signals("blocked", is_blocked, &mask);
  say_signals("ignored", is_ignored, NULL);
  say_descriptors();
  say_nonblocking();
  say("directory: %s", directory);
  for (int i = 0; i < argc; i++) say("argument: %s", argv[i]);
  for (char **variable = environ; *variable; variable++) say("variable: %s", *variable);
  say("end");

  int at = 1;
  if (argc > 1 && flag(argv, &at, "--stay")) {
    for (;;) pause();
  }
  return 0;
}
