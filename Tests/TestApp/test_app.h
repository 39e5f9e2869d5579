// The command that the process tests run under ebb. One function per mode; the first argument names the mode.
//
// Every line is one write(2), so that lines of several processes never mix and none waits in a buffer. The program is
// static, because it must run on an otherwise empty root file system.

#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

// Modes. argv[0] is the mode's name.
int mode_launch(int argc, char **argv);
int mode_parent(int argc, char **argv);
int mode_exit(int argc, char **argv);
int mode_kill_self(int argc, char **argv);
int mode_stay(int argc, char **argv);
int mode_signals(int argc, char **argv);
int mode_tally(int argc, char **argv);
int mode_report(int argc, char **argv);
int mode_leave(int argc, char **argv);
int mode_orphans(int argc, char **argv);
int mode_storm(int argc, char **argv);
int mode_burst(int argc, char **argv);
int mode_serve(int argc, char **argv);
int mode_connect(int argc, char **argv);
int mode_scrape(int argc, char **argv);
int mode_hold(int argc, char **argv);
int mode_crowd(int argc, char **argv);
int mode_forge(int argc, char **argv);

// Output (output.c).

/// Writes one line, with its newline, to standard output.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// Writes "TestApp: ...: strerror" to standard error and exits with 99, which no test expects.
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/// Prints "ready pid=N ppid=N pgid=N sid=N", after the tag and a space if there is a tag.
void say_ready(const char *tag);

// Arguments (arguments.c).

/// Parses "TERM", "SIGTERM", "RTMIN+3" or "15"; calls `die` for anything else.
int signal_number(const char *name);
/// Returns "TERM" or "RTMIN+3" in a static buffer, which the next call overwrites.
const char *signal_name(int number);
/// Parses a decimal number; calls `die` for anything else.
long number(const char *text);
/// Returns whether argv[*at] is `name`, and then consumes it.
bool flag(char **argv, int *at, const char *name);
/// Returns the value after `name` and consumes both; NULL if argv[*at] is another argument.
const char *value(int argc, char **argv, int *at, const char *name);

// Shared by the modes that wait for signals (signals.c).

struct listener {
  const char *tag;        // before every line, or NULL
  int exit_code[65];      // by signal number: exit with this code; negative: continue
  bool hidden[65];        // not printed
  long slow_milliseconds; // between the signal that ends it and its exit
};

/// Returns a listener that prints everything and exits with 0 on TERM.
struct listener listener_default(void);
/// Blocks every signal. Must come before the ready line, or an early signal could kill the process.
void block_all(void);
/// Prints signals as they arrive, until one ends the process. All signals must be blocked.
void listen_for_signals(const struct listener *listener) __attribute__((noreturn));

// Shared by server and clients (serve.c).

/// Raises the descriptor limit as far as allowed.
void allow_descriptors(void);
