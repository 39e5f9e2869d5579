// Variables in which a service manager names, by its pid, the process that they are for: systemd's socket activation
// and watchdog. If they name ebb, they are for the command. sd_listen_fds(3), sd_watchdog_enabled(3), systemd.exec(5).

#ifndef EBB_PID_VARIABLES_H
#define EBB_PID_VARIABLES_H

#include <stdbool.h>

enum { EBB_MOST_PID_VARIABLES = 8 };

struct pid_variables {
  char **copy;  // of the environment; NULL if nothing changes
  int count;
  struct pid_variable {
    char text[48];
    char *value;     // inside text
    bool is_pidfdid; // the inode number of a pidfd instead of the pid
  } found[EBB_MOST_PID_VARIABLES];
};

/// Finds the variables that name this process. Returns the child's environment: the same one, or a copy to write to.
char *const *find_pid_variables(struct pid_variables *variables, char *const *environment);
/// Writes the variables. Called in the child of vfork(2), which alone knows its pid; uses only system calls.
void write_pid_variables(struct pid_variables *variables);

#endif
