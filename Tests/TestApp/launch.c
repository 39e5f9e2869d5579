// launch OPTION... -- COMMAND: sets up a process as a test needs it, then executes COMMAND in its place.
//
// COMMAND starts in a known state, independent of the test runner's: empty signal mask, default dispositions, no open
// descriptors above standard error. The runner has blocked all signals, and the mask is set once and last. So a signal
// that COMMAND must find blocked can be sent as soon as its process exists.

#define _GNU_SOURCE
#include "test_app.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t mask;

static void reset(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigemptyset(&mask);
  for (int number = 1; number <= 64; number++) signal(number, SIG_DFL);
  close_range(3, ~0U, 0);
}

static void open_at(const char *text) {
  // FD:PATH, inherited by the command.
  char *end;
  int wanted = strtol(text, &end, 10);
  if (*end != ':') die("not FD:PATH: %s", text);
  int opened = open(end + 1, O_RDWR | O_CREAT, 0600);
  if (opened < 0) die("cannot open %s", end + 1);
  if (opened == wanted) return;
  if (dup2(opened, wanted) < 0) die("dup2 to %d", wanted);
  close(opened);
}

static void block(const char *name) {
  if (strcmp(name, "all") == 0)
    sigfillset(&mask);
  else
    sigaddset(&mask, signal_number(name));
}

// SOFT[:HARD]; without HARD both limits are SOFT.
static void limit_resource(int resource, const char *text) {
  char *end;
  struct rlimit limit;
  limit.rlim_cur = strtol(text, &end, 10);
  limit.rlim_max = *end == ':' ? (rlim_t)number(end + 1) : limit.rlim_cur;
  if (setrlimit(resource, &limit) < 0) die("setrlimit");
}

static void be_nice(int niceness) {
  errno = 0;
  if (nice(niceness) == -1 && errno != 0) die("nice");
}

static void become_user(long user) {
  if (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0) die("setresuid");
}

static void take_terminal(void) {
  if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) die("TIOCSCTTY");
}

// Enters a new network namespace with a working 127.0.0.1.
static void enter_network_namespace(void) {
  struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (unshare(CLONE_NEWNET) < 0) die("unshare");
  int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0 || ioctl(any, SIOCSIFFLAGS, &loopback) < 0) die("SIOCSIFFLAGS");
  close(any);
}

// Refuses netlink sockets from now on, like a strict seccomp profile.
static void refuse_netlink(void) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) die("PR_SET_SECCOMP");
}

// A system call, or one with these bits in an argument.
static const struct { const char *name; int number, argument; unsigned bits; } calls[] = {
  {"clone3", SYS_clone3}, {"close_range", SYS_close_range}, {"epoll_create1", SYS_epoll_create1},
  {"epoll_ctl", SYS_epoll_ctl}, {"eventfd2", SYS_eventfd2}, {"getrandom", SYS_getrandom},
  {"memfd_create", SYS_memfd_create}, {"MFD_NOEXEC_SEAL", SYS_memfd_create, 1, 8}, {"pidfd_open", SYS_pidfd_open},
  {"pidfd_send_signal", SYS_pidfd_send_signal}, {"pwritev2", SYS_pwritev2}, {"rseq", SYS_rseq},
  {"signalfd4", SYS_signalfd4}, {"timerfd_create", SYS_timerfd_create}, {"timerfd_settime", SYS_timerfd_settime},
};

// CALL[:ERRNO]: makes this call fail from now on, with EPERM by default, like a seccomp profile or an older kernel.
static void refuse_call(const char *text) {
  size_t length = strcspn(text, ":");
  int error = text[length] == ':' ? number(text + length + 1) : EPERM;
  size_t i = 0, count = sizeof calls / sizeof *calls;
  while (i < count && (strlen(calls[i].name) != length || strncmp(text, calls[i].name, length) != 0)) i++;
  if (i == count) die("no such call: %s", text);
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 4),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[calls[i].argument])),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, calls[i].bits),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].bits, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) die("PR_SET_SECCOMP");
}

// Hides /proc behind an empty file system, or mounts that of the new PID namespace.
static void arrange_proc(bool wanted) {
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) die("making mounts private");
  const char *type = wanted ? "proc" : "tmpfs";
  if (mount(type, "/proc", type, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) die("mount /proc");
}

// Continues as process 1 of a new namespace. This process waits and ends with the same status.
static void enter_pid_namespace(bool with_proc) {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) die("unshare");
  pid_t init = fork();
  if (init < 0) die("fork");
  if (init == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    arrange_proc(with_proc);
    return;
  }
  // Close standard streams, because a test may wait for the end of file when the namespace's last process ends.
  close_range(0, ~0U, 0);
  // If ignored, the child's exit code would be discarded.
  signal(SIGCHLD, SIG_DFL);
  int status;
  while (waitpid(init, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    kill(getpid(), WTERMSIG(status));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
  }
  _exit(WEXITSTATUS(status));
}

int mode_launch(int argc, char **argv) {
  reset();
  int at = 1;
  while (at < argc) {
    const char *text;
    if (flag(argv, &at, "--")) break;
    else if ((text = value(argc, argv, &at, "--ignore"))) signal(signal_number(text), SIG_IGN);
    else if ((text = value(argc, argv, &at, "--block"))) block(text);
    else if ((text = value(argc, argv, &at, "--raise"))) kill(getpid(), signal_number(text));
    else if ((text = value(argc, argv, &at, "--close"))) close(number(text));
    else if ((text = value(argc, argv, &at, "--open"))) open_at(text);
    else if ((text = value(argc, argv, &at, "--rlimit-nofile"))) limit_resource(RLIMIT_NOFILE, text);
    else if ((text = value(argc, argv, &at, "--rlimit-nproc"))) limit_resource(RLIMIT_NPROC, text);
    else if ((text = value(argc, argv, &at, "--rlimit-as"))) limit_resource(RLIMIT_AS, text);
    else if ((text = value(argc, argv, &at, "--nice"))) be_nice(number(text));
    else if ((text = value(argc, argv, &at, "--refuse"))) refuse_call(text);
    else if ((text = value(argc, argv, &at, "--uid"))) become_user(number(text));
    else if ((text = value(argc, argv, &at, "--cwd"))) { if (chdir(text) < 0) die("chdir %s", text); }
    else if (flag(argv, &at, "--session")) { if (setsid() < 0) die("setsid"); }
    else if (flag(argv, &at, "--terminal")) take_terminal();
    else if (flag(argv, &at, "--network-namespace")) enter_network_namespace();
    else if (flag(argv, &at, "--no-netlink")) refuse_netlink();
    else if (flag(argv, &at, "--pid-namespace")) enter_pid_namespace(true);
    else if (flag(argv, &at, "--pid-namespace-without-proc")) enter_pid_namespace(false);
    else die("launch: %s", argv[at]);
  }
  if (at >= argc) die("launch: no command");
  sigprocmask(SIG_SETMASK, &mask, NULL);
  execv(argv[at], argv + at);
  die("launch: %s", argv[at]);
}
