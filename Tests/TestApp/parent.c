// parent -- COMMAND: starts COMMAND as a child. Any fatal signal ends it without being forwarded to COMMAND.

#define _GNU_SOURCE
#include "test_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int mode_parent(int argc, char **argv) {
  int at = 1;
  if (at >= argc || !flag(argv, &at, "--") || at >= argc) die("parent: no command");
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    execv(argv[at], argv + at);
    die("parent: %s", argv[at]);
  }
  for (;;) pause();
}
