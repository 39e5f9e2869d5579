// Commands that leave descendants behind, orphan thousands of them, or multiply.

#define _GNU_SOURCE
#include "test_app.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t checked_fork(void) {
  pid_t child = fork();
  if (child < 0) die("fork");
  return child;
}

static void wait_for(pid_t child) {
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
}

static void wait_for_signal(int number) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  while (sigwaitinfo(&one, NULL) < 0) continue;
}

// Starts a descendant that waits for signals, tagged "leftover". `orphaned`: its parent exits. `session`: its own.
static void start_leftover(const struct listener *listener, bool orphaned, bool session, int ready) {
  pid_t child = checked_fork();
  if (child == 0) {
    if (orphaned && checked_fork() > 0) _exit(0);
    if (session && setsid() < 0) die("setsid");
    say_ready(listener->tag);
    if (write(ready, "r", 1) != 1) die("write");
    listen_for_signals(listener);
  }
  if (orphaned) wait_for(child);
}

// leave COUNT [--ignore-term] [--orphaned] [--session] [--on SIGNAL] [--code CODE] [--slow MILLISECONDS]: starts COUNT
// descendants, then exits with CODE, immediately or on SIGNAL, and leaves them behind.
int mode_leave(int argc, char **argv) {
  struct listener listener = listener_default();
  listener.tag = "leftover";
  bool orphaned = false, session = false;
  int on = 0, code = 0;
  if (argc < 2) die("leave COUNT");
  long count = number(argv[1]);
  for (int at = 2; at < argc;) {
    const char *text;
    if ((text = value(argc, argv, &at, "--on"))) on = signal_number(text);
    else if ((text = value(argc, argv, &at, "--code"))) code = number(text);
    else if ((text = value(argc, argv, &at, "--slow"))) listener.slow_milliseconds = number(text);
    else if (flag(argv, &at, "--ignore-term")) listener.exit_code[SIGTERM] = -1;
    else if (flag(argv, &at, "--orphaned")) orphaned = true;
    else if (flag(argv, &at, "--session")) session = true;
    else die("leave: %s", argv[at]);
  }
  block_all();
  int ready[2];
  if (pipe(ready) < 0) die("pipe");
  for (long i = 0; i < count; i++) start_leftover(&listener, orphaned, session, ready[1]);
  char byte;
  for (long i = 0; i < count; i++) {
    if (read(ready[0], &byte, 1) != 1) die("read");
  }
  say_ready(NULL);
  if (on) wait_for_signal(on);
  say("leaving");
  return code;
}

static void make_orphan(void) {
  pid_t child = checked_fork();
  if (child == 0) {
    // The grandchild waits until its parent has ended, so that the reaper must reap it.
    pid_t parent = getpid();
    if (checked_fork() > 0) _exit(0);
    while (getppid() == parent) sched_yield();
    _exit(0);
  }
  wait_for(child);
}

// orphans COUNT CODE: on each USR1 makes COUNT orphans that die immediately, then reports it. Exits with CODE on TERM.
int mode_orphans(int argc, char **argv) {
  if (argc != 3) die("orphans COUNT CODE");
  long count = number(argv[1]);
  block_all();
  say_ready(NULL);
  sigset_t orders;
  sigemptyset(&orders);
  sigaddset(&orders, SIGUSR1);
  sigaddset(&orders, SIGTERM);
  for (;;) {
    int order = sigwaitinfo(&orders, NULL);
    if (order == SIGTERM) return number(argv[2]);
    if (order != SIGUSR1) continue;
    for (long i = 0; i < count; i++) make_orphan();
    say("made %ld", count);
  }
}

// Lives for 5 ms, then forks, exits and leaves its child an orphan, again and again.
static void comet(time_t end) {
  struct timespec life = {0, 5000000};
  while (time(NULL) < end) {
    if (checked_fork() > 0) _exit(0);
    nanosleep(&life, NULL);
  }
  _exit(0);
}

// storm COUNT SECONDS [--exit]: on TERM starts COUNT comets that ignore all signals, for SECONDS. Continues, or exits.
int mode_storm(int argc, char **argv) {
  if (argc < 3) die("storm COUNT SECONDS");
  long count = number(argv[1]), seconds = number(argv[2]);
  int at = 3;
  bool leave = argc > 3 && flag(argv, &at, "--exit");
  block_all();
  say_ready(NULL);
  wait_for_signal(SIGTERM);
  time_t end = time(NULL) + seconds;  // from now on, because a busy machine may have delayed the signal as long
  for (long i = 0; i < count; i++) {
    if (checked_fork() == 0) comet(end);
  }
  say("storming");
  if (leave) return 0;
  for (;;) pause();
}
