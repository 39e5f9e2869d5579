// Modes that do one thing without waiting, and `stay`, which waits with its signals unchanged.

#define _GNU_SOURCE
#include "test_app.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

// exit CODE
int mode_exit(int argc, char **argv) {
  if (argc != 2) die("exit CODE");
  return number(argv[1]);
}

// kill-self SIGNAL
int mode_kill_self(int argc, char **argv) {
  if (argc != 2) die("kill-self SIGNAL");
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  kill(getpid(), signal_number(argv[1]));
  for (;;) pause();
}

// stay [--ignore SIGNAL]... [--stop-self]
int mode_stay(int argc, char **argv) {
  bool stop_self = false;
  for (int at = 1; at < argc;) {
    const char *text;
    if ((text = value(argc, argv, &at, "--ignore"))) signal(signal_number(text), SIG_IGN);
    else if (flag(argv, &at, "--stop-self")) stop_self = true;
    else die("stay: %s", argv[at]);
  }
  say_ready(NULL);
  if (stop_self) {
    kill(getpid(), SIGSTOP);
    say("continued");
  }
  for (;;) pause();
}

// burst PID COUNT SIGNAL...: sends COUNT of the signals in turn, as fast as possible.
int mode_burst(int argc, char **argv) {
  if (argc < 4) die("burst PID COUNT SIGNAL...");
  pid_t target = number(argv[1]);
  long count = number(argv[2]);
  for (long i = 0; i < count; i++) {
    int which = signal_number(argv[3 + i % (argc - 3)]);
    if (kill(target, which) < 0) die("kill %d", target);
  }
  say("sent %ld", count);
  return 0;
}
