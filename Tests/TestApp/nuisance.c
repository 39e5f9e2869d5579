// Programs that disturb a supervisor: a file that hangs, many processes, a forged status page.

#define _GNU_SOURCE
#include "test_app.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <unistd.h>

// hold FILE: until this process ends, opening or executing FILE blocks, as on a file system without its server.
int mode_hold(int argc, char **argv) {
  if (argc != 2) die("hold FILE");
  int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
  if (group < 0) die("fanotify_init");
  if (fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, argv[1]) < 0) die("fanotify_mark %s", argv[1]);
  say_ready("hold");
  // A blocked process is reported, but not answered.
  char event[4096];
  if (read(group, event, sizeof event) < 0) die("read");
  say("holding");
  for (;;) pause();
}

// crowd COUNT: starts COUNT children that ignore TERM, reports it, and ignores TERM too.
int mode_crowd(int argc, char **argv) {
  if (argc != 2) die("crowd COUNT");
  block_all();
  for (long left = number(argv[1]); left > 0; left--) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) for (;;) pause();
  }
  say_ready(NULL);
  for (;;) pause();
}

// forge SUPERVISOR USER: becomes USER and has a status page like SUPERVISOR's, at the same descriptor.
int mode_forge(int argc, char **argv) {
  if (argc != 3) die("forge SUPERVISOR USER");
  char path[64], page[4096];
  snprintf(path, sizeof path, "/proc/%s/fd/3", argv[1]);
  int original = open(path, O_RDONLY | O_CLOEXEC);
  if (original < 0 || read(original, page, sizeof page) != sizeof page) die("%s", path);
  close(original);
  if (setresuid(number(argv[2]), number(argv[2]), number(argv[2])) < 0) die("setresuid");
  int forged = memfd_create("ebb-status", MFD_CLOEXEC);
  if (forged != 3 || write(forged, page, sizeof page) != sizeof page) die("memfd_create");
  block_all();
  say_ready(NULL);
  for (;;) pause();
}
