#define _GNU_SOURCE
#include "platform.h"
#include "pid_variables.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

// Signals

uint64_t ebb_set_signal_mask(uint64_t mask) {
  uint64_t previous = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &previous, sizeof mask);
  return previous;
}

int ebb_signalfd(uint64_t mask) { return syscall(SYS_signalfd4, -1, &mask, sizeof mask, SFD_CLOEXEC | SFD_NONBLOCK); }

int ebb_read_signals(int fd, uint32_t *numbers, int capacity) {
  struct signalfd_siginfo infos[16];
  size_t wanted = capacity < 16 ? capacity : 16;
  ssize_t got = read(fd, infos, wanted * sizeof *infos);
  if (got < 0) return errno == EAGAIN ? 0 : -1;
  int count = got / sizeof *infos;
  for (int i = 0; i < count; i++) numbers[i] = infos[i].ssi_signo;
  return count;
}

int ebb_wait_for_signal(uint64_t mask, int64_t nanoseconds) {
  const struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  return syscall(SYS_rt_sigtimedwait, &mask, NULL, &limit, sizeof mask);
}

bool ebb_discard_own_signal(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  siginfo_t info;
  struct timespec none = {0, 0};
  if (sigtimedwait(&set, &info, &none) != number) return false;
  if (info.si_pid == getpid()) return true;
  kill(getpid(), number);  // sent by another process: make it pending again
  return false;
}

bool ebb_is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void ebb_set_default_action(int number) { signal(number, SIG_DFL); }
int ebb_set_parent_death_signal(int number) { return prctl(PR_SET_PDEATHSIG, number, 0, 0, 0); }

// Processes and threads

// The kernel's own struct, because glibc refuses to change its two reserved signals. Handler, flags, restorer and mask
// in the order of the architecture. All are zero except the handler, which comes first.
struct kernel_action {
  void (*handler)(int);
  unsigned long rest[3];
};

static int set_action(int number, const struct kernel_action *action, struct kernel_action *previous) {
  return syscall(SYS_rt_sigaction, number, action, previous, sizeof(uint64_t));
}

// The actions of 32 and 33 when ebb started, once they have changed.
static struct kernel_action inherited_actions[2];

static bool has_thread;

int ebb_start_thread(void *(*start)(void *), void *context) {
  // When glibc starts the first thread it unblocks 32 and 33, in the caller and in every thread. 32 would then end the
  // process, because its action is the default. glibc's handler of 33 ignores signals from outside.
  const struct kernel_action ignore = {SIG_IGN};
  for (int i = 0; i < 2 && !has_thread; i++) set_action(32 + i, &ignore, &inherited_actions[i]);
  has_thread = true;
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Enough for writing lines. The default size would count against a memory limit (RLIMIT_AS).
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  const uint64_t mask = ebb_set_signal_mask(UINT64_MAX);
  const int error = pthread_create(&thread, &attributes, start, context);
  ebb_set_signal_mask(mask);
  pthread_attr_destroy(&attributes);
  return error;
}

int ebb_thread(void) { return syscall(SYS_gettid); }

// Turns the calling process into a command. It shares ebb's memory (vfork) or has a copy (fork), so it may only use
// system calls. No handler can run, because all signals are blocked. Returns errno.
static int become_command(
    const struct ebb_spawn *spawn, char *const *environment, struct pid_variables *variables) {
  if (spawn->new_session) setsid();
  else setpgid(0, 0);
  // The child does this before it executes, so that it never runs in the background. If it fails, start all the same.
  if (spawn->take_terminal) ioctl(spawn->terminal, TIOCSCTTY, 0);
  if (spawn->terminal >= 0) tcsetpgrp(spawn->terminal, getpid());
  if (spawn->ignore_sigchld) signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 2 && has_thread; i++) set_action(32 + i, &inherited_actions[i], NULL);
  if (spawn->descriptor_limit >= 0) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
      limit.rlim_cur = spawn->descriptor_limit;
      setrlimit(RLIMIT_NOFILE, &limit);
    }
  }
  if (spawn->detaches_standard_streams) {
    // The hook must not read ebb's input. If standard input were closed, the next opened file would replace it.
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0) nothing = open("/", O_PATH | O_CLOEXEC);
    if (nothing > 0) dup2(nothing, 0);
    dup2(2, 1);
    // Dispatch has handlers for the signals of its sources. Running here, one would use the parent's memory.
    for (int number = 1; number < NSIG; number++) {
      if (!ebb_is_ignored(number)) signal(number, SIG_DFL);
    }
  }
  ebb_set_signal_mask(spawn->mask);
  write_pid_variables(variables);
  execve(spawn->path, spawn->argv, environment);
  return errno;
}

int ebb_spawn_command(const struct ebb_spawn *spawn) {
  struct pid_variables variables = {0};
  if (spawn->in_place) {
    // A hook, which LISTEN_PID and similar variables are not for.
    errno = become_command(spawn, spawn->envp, &variables);
    return 0;
  }
  volatile int failure = 0;
  char *const *environment = find_pid_variables(&variables, spawn->envp);
  pid_t pid = vfork();
  if (pid < 0) {
    int error = errno;
    free(variables.copy);
    errno = error;
    return -1;
  }
  if (pid == 0) {
    failure = become_command(spawn, environment, &variables);
    _exit(127);
  }
  free(variables.copy);
  if (failure == 0) return pid;
  waitpid(pid, NULL, 0);
  errno = failure;
  return 0;
}

int ebb_fork(void) { return fork(); }

void *ebb_map_for_child(size_t size) {
  void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return start == MAP_FAILED ? NULL : start;
}

int ebb_wait(int child, struct ebb_wait *wait) {
  int status = 0;
  pid_t pid = waitpid(child, &status, WNOHANG | WUNTRACED | __WALL);
  if (pid <= 0) return pid;
  wait->pid = pid;
  wait->core_dumped = false;
  if (WIFEXITED(status)) {
    wait->how = EBB_EXITED;
    wait->value = WEXITSTATUS(status);
  } else if (WIFSIGNALED(status)) {
    wait->how = EBB_SIGNALED;
    wait->value = WTERMSIG(status);
    wait->core_dumped = WCOREDUMP(status);
  } else {
    wait->how = EBB_STOPPED;
    wait->value = WSTOPSIG(status);
  }
  return 1;
}

bool ebb_has_ended(int child) {
  siginfo_t info = {0};
  return waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 || info.si_pid == child;
}

bool ebb_is_subreaper(void) {
  int is_subreaper = 0;
  return prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper, 0, 0, 0) == 0 && is_subreaper != 0;
}

int ebb_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
int ebb_pidfd_open(int pid) { return syscall(SYS_pidfd_open, pid, 0); }
int ebb_pidfd_signal(int pidfd, int number) { return syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0); }

// Files and descriptors

int ebb_open_existing(const char *path, bool for_writing) {
  return open(path, (for_writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int ebb_open_new(const char *path) { return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755); }

int ebb_open_truncate(const char *path, bool create) {
  return open(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
}

int ebb_open_placeholder(void) { return open("/", O_PATH | O_CLOEXEC); }

int ebb_read_file(const char *path, uint8_t *bytes, int capacity) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  ssize_t got = read(fd, bytes, capacity);
  int error = errno;
  close(fd);
  errno = error;
  return got;
}

int ebb_read_link(const char *path, uint8_t *bytes, int capacity) { return readlink(path, (char *)bytes, capacity); }

bool ebb_write_now(int fd, const void *bytes, size_t count) {
  const struct iovec part = {(void *)bytes, count};
  ssize_t written = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
  if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
    // A pipe or terminal on a kernel without this flag for it (before 6.4). A newly opened file may get O_NONBLOCK.
    struct stat info;
    if (fstat(fd, &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) return false;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0) return false;
    written = write(own, bytes, count);
    const int error = errno;
    close(own);
    errno = error;
  }
  if (written < 0 && errno == EPIPE) ebb_discard_own_signal(SIGPIPE);
  return written == (ssize_t)count;
}

uint32_t ebb_file_type(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

bool ebb_is_regular_file(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return false;
  errno = S_ISDIR(info.st_mode) ? EISDIR : EACCES;
  return S_ISREG(info.st_mode);
}

uint64_t ebb_stat_inode(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? info.st_ino : 0;
}

long ebb_owner(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? (long)info.st_uid : -1;
}

int ebb_duplicate_above(int fd, int lowest) { return fcntl(fd, F_DUPFD_CLOEXEC, lowest); }
int ebb_close_range(int first, int last) { return syscall(SYS_close_range, first, last, 0); }

int ebb_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) return INT_MAX;
  return limit.rlim_cur;
}

int ebb_raise_descriptor_limit(int wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  if (limit.rlim_max < (rlim_t)wanted) {
    errno = EMFILE;
    return -1;
  }
  limit.rlim_cur = wanted;
  return setrlimit(RLIMIT_NOFILE, &limit);
}

// /proc

int ebb_proc_self(void) {
  char name[16] = {0};
  return readlink("/proc/self", name, sizeof name - 1) > 0 ? atoi(name) : -1;
}

int ebb_readdir_number(DIR *proc) {
  struct dirent *entry;
  while ((entry = readdir(proc)) != NULL) {
    char *end;
    long pid = strtol(entry->d_name, &end, 10);
    if (pid > 0 && *end == 0) return pid;
  }
  return 0;
}

int ebb_readdir_link(DIR *folder, uint8_t *text, int capacity) {
  struct dirent *entry;
  errno = 0;
  do entry = readdir(folder);
  while (entry != NULL && entry->d_name[0] == '.');
  return entry == NULL ? 0 : readlinkat(dirfd(folder), entry->d_name, (char *)text, capacity);
}

// Shared memory

int ebb_memfd(const char *name) {
  // Without MFD_NOEXEC_SEAL a kernel may refuse (sysctl vm.memfd_noexec = 2). Kernels before 6.3 do not know the flag.
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = syscall(SYS_memfd_create, name, flags | 8U /* MFD_NOEXEC_SEAL */);
  return fd >= 0 || errno != EINVAL ? fd : (int)syscall(SYS_memfd_create, name, flags);
}

int ebb_seal_size(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL); }

void *ebb_map_shared(int fd, size_t size) {
  void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return start == MAP_FAILED ? NULL : start;
}

// Terminal

int ebb_detach_terminal(int fd) { return ioctl(fd, TIOCNOTTY); }

// Sockets and netlink

int ebb_tcp_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }
int ebb_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int ebb_diag_socket(void) {
  return socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

int ebb_join_netlink_groups(int fd, uint32_t mask) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = mask};
  return bind(fd, (struct sockaddr *)&address, sizeof address);
}

int ebb_receive_from_kernel(int fd, void *bytes, int capacity) {
  struct sockaddr_nl sender = {0};
  socklen_t length = sizeof sender;
  ssize_t got;
  do got = recvfrom(fd, bytes, capacity, MSG_TRUNC, (struct sockaddr *)&sender, &length);
  while (got >= 0 && sender.nl_pid != 0);
  return got;
}

// The calls that Dispatch waits with

int ebb_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }
int ebb_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int ebb_timerfd(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

int ebb_set_timerfd(int fd) {
  const struct itimerspec never = {{0, 0}, {0, 0}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &never, NULL);
}

int ebb_add_to_epoll(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int ebb_look_at_epoll(int epoll) {
  struct epoll_event event;
  return epoll_wait(epoll, &event, 1, 0);
}

bool ebb_try_memory(size_t size) {
  void *volatile memory = malloc(size);  // volatile, or a compiler could omit memory that is only freed
  free(memory);
  return memory != NULL;
}
