#define _GNU_SOURCE
#include "pid_variables.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {"LISTEN_PID=", "LISTEN_PIDFDID=", "WATCHDOG_PID=", "SYSTEMD_EXEC_PID="};

// Returns the number that identifies this process until a reboot, or 0: pidfd_open(2), Linux 6.9.
static uint64_t own_pidfdid(void) {
  int fd = syscall(SYS_pidfd_open, getpid(), 0);
  struct stat info;
  uint64_t number = fd >= 0 && fstat(fd, &info) == 0 ? info.st_ino : 0;
  if (fd >= 0) close(fd);
  return number;
}

static bool names_this_process(const char *value, bool is_pidfdid) {
  char *end;
  uint64_t number = strtoull(value, &end, 10);
  return end != value && *end == 0 && number == (is_pidfdid ? own_pidfdid() : (uint64_t)getpid());
}

char *const *find_pid_variables(struct pid_variables *variables, char *const *environment) {
  variables->copy = NULL;
  variables->count = 0;
  if (environment == NULL) return environment;
  size_t count = 0;
  while (environment[count] != NULL) count++;
  for (size_t at = 0; at < count; at++) {
    // Hardly any variable begins like these, and each start of a command pays for this check.
    const char *entry = environment[at];
    const char second = entry[0] == 'L' ? 'I' : entry[0] == 'W' ? 'A' : entry[0] == 'S' ? 'Y' : 0;
    if (second == 0 || entry[1] != second) continue;
    for (int name = 0; name < 4; name++) {
      size_t length = strlen(names[name]);
      if (strncmp(entry, names[name], length) != 0) continue;
      if (variables->count == EBB_MOST_PID_VARIABLES || !names_this_process(entry + length, name == 1)) continue;
      if (variables->copy == NULL) {
        variables->copy = malloc((count + 1) * sizeof *environment);
        if (variables->copy == NULL) return environment;
        memcpy(variables->copy, environment, (count + 1) * sizeof *environment);
      }
      struct pid_variable *found = &variables->found[variables->count++];
      strcpy(found->text, names[name]);
      found->value = found->text + length;
      found->is_pidfdid = name == 1;
      variables->copy[at] = found->text;
    }
  }
  return variables->copy != NULL ? variables->copy : environment;
}

void write_pid_variables(struct pid_variables *variables) {
  for (int index = 0; index < variables->count; index++) {
    struct pid_variable *found = &variables->found[index];
    uint64_t number = found->is_pidfdid ? own_pidfdid() : (uint64_t)getpid();
    int digits = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10) digits++;
    found->value[digits] = 0;
    for (; digits > 0; number /= 10) found->value[--digits] = '0' + number % 10;
  }
}
