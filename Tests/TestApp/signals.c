// signals OPTION...: prints every signal that arrives.
//
//   --exit-on SIGNAL:CODE  exit with CODE on SIGNAL (default TERM:0)
//   --ignore-term          continue after TERM
//   --only SIGNAL          print only these; repeatable
//   --slow MILLISECONDS    take this long to exit, and print "done" before it
//   --with-child           once ready, start a child in the same process group that does the same, tagged "child"

#define _GNU_SOURCE
#include "test_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct listener listener_default(void) {
  struct listener result = {0};
  for (int number = 0; number <= 64; number++) result.exit_code[number] = -1;
  result.exit_code[SIGTERM] = 0;
  return result;
}

void block_all(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

static void rest(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) < 0 && errno == EINTR) continue;
}

void listen_for_signals(const struct listener *listener) {
  sigset_t all;
  sigfillset(&all);
  for (;;) {
    siginfo_t info;
    int number = sigwaitinfo(&all, &info);
    if (number < 0) continue;
    const char *tag = listener->tag;
    if (!listener->hidden[number]) say("%s%sgot %s", tag ? tag : "", tag ? " " : "", signal_name(number));
    if (listener->exit_code[number] < 0) continue;
    if (listener->slow_milliseconds > 0) {
      rest(listener->slow_milliseconds);
      say("%s%sdone", tag ? tag : "", tag ? " " : "");
    }
    _exit(listener->exit_code[number]);
  }
}

static void exit_on(struct listener *listener, const char *text) {
  char name[32];
  const char *colon = strchr(text, ':');
  if (!colon || (size_t)(colon - text) >= sizeof name) die("not SIGNAL:CODE: %s", text);
  memcpy(name, text, colon - text);
  name[colon - text] = 0;
  listener->exit_code[signal_number(name)] = number(colon + 1);
}

static void show_only(struct listener *listener, const char *name) {
  static bool first = true;
  if (first) memset(listener->hidden, true, sizeof listener->hidden);
  first = false;
  listener->hidden[signal_number(name)] = false;
}

int mode_signals(int argc, char **argv) {
  struct listener listener = listener_default();
  bool with_child = false;
  for (int at = 1; at < argc;) {
    const char *text;
    if ((text = value(argc, argv, &at, "--exit-on"))) exit_on(&listener, text);
    else if ((text = value(argc, argv, &at, "--only"))) show_only(&listener, text);
    else if ((text = value(argc, argv, &at, "--slow"))) listener.slow_milliseconds = number(text);
    else if (flag(argv, &at, "--ignore-term")) listener.exit_code[SIGTERM] = -1;
    else if (flag(argv, &at, "--with-child")) with_child = true;
    else die("signals: %s", argv[at]);
  }
  block_all();
  say_ready(NULL);
  // After the parent's line, so that a test that has read the child's has read both.
  if (with_child && fork() == 0) say_ready(listener.tag = "child");
  listen_for_signals(&listener);
}

// tally SIGNAL COUNT: prints a line after each COUNT of SIGNAL. Exits with 0 on TERM.
int mode_tally(int argc, char **argv) {
  if (argc != 3) die("tally SIGNAL COUNT");
  int which = signal_number(argv[1]);
  long count = number(argv[2]), arrived = 0;
  sigset_t all;
  sigfillset(&all);
  block_all();
  say_ready(NULL);
  for (;;) {
    int number = sigwaitinfo(&all, NULL);
    if (number == SIGTERM) return 0;
    if (number == which && ++arrived % count == 0) say("tally %ld", arrived);
  }
}
