// The talkative command that the process tests put under ebb. One mode per function; the first argument names it.
//
// Every line goes out in one write(2), so that lines of several processes never mix and none is held back in a buffer.
// It is linked fully static, because it must run on a root file system that holds nothing else.

#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

// Modes: argv[0] is the mode's name.
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
/// Writes "TestApp: ...: strerror" to standard error and exits 99, a code that no test expects.
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/// Says "ready pid=N ppid=N pgid=N sid=N", with the tag and a space in front when there is one.
void say_ready(const char *tag);

// Arguments (arguments.c).

/// "TERM", "SIGTERM", "RTMIN+3" or "15"; dies on anything else.
int signal_number(const char *name);
/// "TERM", "RTMIN+3"; a static buffer, overwritten by the next call.
const char *signal_name(int number);
/// A decimal number; dies on anything else.
long number(const char *text);
/// True, and the argument consumed, when argv[*at] is `name`.
bool flag(char **argv, int *at, const char *name);
/// The value after `name`, both consumed, or NULL when argv[*at] is another argument.
const char *value(int argc, char **argv, int *at, const char *name);

// Shared by the modes that wait for signals (signals.c).

struct listener {
  const char *tag;        // in front of every line, or NULL
  int exit_code[65];      // by signal number: exit with this code, or go on when it is negative
  bool hidden[65];        // not printed
  long slow_milliseconds; // between the signal that ends it and its exit
};

/// A listener that prints everything and exits 0 on TERM.
struct listener listener_default(void);
/// Blocks every signal. Must come before the ready line, or a fast test could kill the process.
void block_all(void);
/// Prints signals as they arrive, until one ends the process. The caller has blocked them.
void listen_for_signals(const struct listener *listener) __attribute__((noreturn));

// Shared by server and clients (serve.c).

/// As many descriptors as the system lets this process have.
void allow_descriptors(void);
