#define _GNU_SOURCE
#include "test_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *signal_name(int number) {
  static char name[32];
  const char *known = sigabbrev_np(number);
  if (known) return known;
  if (number >= SIGRTMIN && number <= SIGRTMAX)
    snprintf(name, sizeof name, number == SIGRTMIN ? "RTMIN" : "RTMIN+%d", number - SIGRTMIN);
  else
    snprintf(name, sizeof name, "%d", number);
  return name;
}

int signal_number(const char *name) {
  if (strncmp(name, "SIG", 3) == 0) name += 3;
  for (int number = 1; number <= 64; number++) {
    if (strcmp(signal_name(number), name) == 0) return number;
  }
  long given = number(name);
  if (given < 1 || given > 64) die("no such signal: %s", name);
  return given;
}

long number(const char *text) {
  char *end;
  long result = strtol(text, &end, 10);
  if (*text == 0 || *end != 0) die("not a number: %s", text);
  return result;
}

bool flag(char **argv, int *at, const char *name) {
  if (strcmp(argv[*at], name) != 0) return false;
  *at += 1;
  return true;
}

const char *value(int argc, char **argv, int *at, const char *name) {
  if (strcmp(argv[*at], name) != 0) return NULL;
  if (*at + 1 >= argc) die("%s needs a value", name);
  *at += 2;
  return argv[*at - 1];
}
