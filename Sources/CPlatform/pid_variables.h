// Variables in which a service manager names the process that they are meant for by its pid: socket activation and the
// watchdog of systemd. Where they name ebb they are the command's; sd_listen_fds(3), sd_watchdog_enabled(3), systemd.exec(5).

#ifndef EBB_PID_VARIABLES_H
#define EBB_PID_VARIABLES_H

#include <stdbool.h>

enum { EBB_MOST_PID_VARIABLES = 8 };

struct pid_variables {
  char **copy;  // of the environment, NULL where nothing is to be changed
  int count;
  struct pid_variable {
    char text[48];
    char *value;     // in text
    bool is_pidfdid; // the inode number of a pidfd in place of the pid
  } found[EBB_MOST_PID_VARIABLES];
};

/// Finds those that name this process. Returns the environment for the child: the same one, or a copy in which they are to be
/// written.
char *const *find_pid_variables(struct pid_variables *variables, char *const *environment);
/// In the child of a vfork(2), which alone knows its pid: writes them. System calls only.
void write_pid_variables(struct pid_variables *variables);

#endif
