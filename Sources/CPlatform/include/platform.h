// What Swift cannot call or import by itself: variadic calls, macros, GNU-only functions, and a vfork. No logic.

#ifndef EBB_PLATFORM_H
#define EBB_PLATFORM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <poll.h>

// Signals: glibc's sigset_t functions leave out 32 and 33, which it keeps for its own threads; a command may use them
// (musl, Go), so masks are the kernel's: one bit per signal, bit 0 is signal 1, bits of the CPU's own order in one
// 64-bit word.

/// Sets the calling thread's signal mask. Returns the mask it had. rt_sigprocmask(2).
uint64_t ebb_set_signal_mask(uint64_t mask);
/// A close-on-exec, non-blocking descriptor from which the blocked signals of `mask` are read, or -1 and errno.
/// signalfd(2).
int ebb_signalfd(uint64_t mask);
/// Reads up to `capacity` pending signal numbers from a signalfd. Returns how many; 0 when there is none; -1 and errno.
/// signalfd(2).
int ebb_read_signals(int fd, uint32_t *_Nonnull numbers, int capacity);
/// Takes a pending signal if this process itself caused it. Returns whether it did. sigtimedwait(2).
bool ebb_discard_own_signal(int number);
/// Whether the signal is ignored. sigaction(2).
bool ebb_is_ignored(int number);
/// Back to the default action. sigaction(2).
void ebb_set_default_action(int number);

/// How a command is started; see ebb_spawn_command.
struct ebb_spawn {
  const char *_Nonnull path;
  char *_Nullable const *_Nonnull argv;
  char *_Nullable const *_Nullable envp;
  uint64_t mask;         // its signal mask
  bool ignore_sigchld;   // SIGCHLD was ignored when ebb was started
  bool new_session;      // setsid, else a process group of its own
  int terminal;          // becomes its foreground group on this terminal; -1: none
  bool take_terminal;    // with new_session: the terminal becomes its controlling terminal first
  bool detaches_standard_streams;     // nothing to read, and its standard output is standard error
  long descriptor_limit; // its soft limit, where ebb has raised its own; -1: it is ebb's. RLIMIT_NOFILE
  bool in_place;         // becomes this very process, which was forked for it
};

/// Starts a command and returns its pid once it has executed. 0 and errno: execve(2) failed. -1 and errno: vfork(2)
/// failed. With `in_place` it returns only in the case of 0. posix_spawn(3) cannot leave SIGCHLD ignored in the command while the parent has it at its default, nor carry
/// on where the terminal cannot be handed over; hence vfork(2). All signals must be blocked by the caller.
int ebb_spawn_command(const struct ebb_spawn *_Nonnull spawn);

/// fork(2). The child, which gets 0, has one thread; glibc sees to it that it may allocate.
int ebb_fork(void);
/// Zeroed memory that a child shares with its parent; NULL and errno. mmap(2) MAP_SHARED.
void *_Nullable ebb_map_for_child(size_t size);

/// Starts a detached thread with a small stack and every signal blocked but glibc's own two, 32 and 33, which do nothing
/// from then on. 0, or the error. pthread_create(3), nptl(7).
int ebb_start_thread(void *_Nullable (*_Nonnull start)(void *_Nullable), void *_Nullable context);

/// What waitpid(2) said: the child's pid, and one of the three of WIFEXITED, WIFSIGNALED, WIFSTOPPED.
struct ebb_wait {
  int pid;
  enum { EBB_EXITED, EBB_SIGNALED, EBB_STOPPED } how;
  int value;  // exit code or signal number
  bool core_dumped;
};

/// What has become of a child, or with -1 of the next one that has ended or stopped, without waiting. Returns 1, 0 if
/// nothing happened, or -1 and errno.
int ebb_wait(int child, struct ebb_wait *_Nonnull wait);

/// Whether a child has ended and waits to be reaped, or is none; it is not reaped. waitid(2) WNOWAIT.
bool ebb_has_ended(int child);

/// prctl(2) PR_GET_CHILD_SUBREAPER.
bool ebb_is_subreaper(void);
/// prctl(2) PR_SET_CHILD_SUBREAPER. 0, or -1 and errno.
int ebb_become_subreaper(void);
/// prctl(2) PR_SET_PDEATHSIG. 0, or -1 and errno.
int ebb_set_parent_death_signal(int number);
/// Closes every descriptor from `first` to `last`. 0, or -1 and errno. close_range(2), Linux 5.9.
int ebb_close_range(int first, int last);
/// Opens a descriptor that can neither be read nor written, at the lowest free number. -1 and errno. open(2) with
/// O_PATH.
int ebb_open_placeholder(void);
/// Reads a file's first bytes. Returns how many, or -1 and errno. open(2), read(2).
int ebb_read_file(const char *_Nonnull path, uint8_t *_Nonnull bytes, int capacity);
/// The pid that /proc/self names, or -1: no /proc here. proc_pid(5).
int ebb_proc_self(void);
/// The calling thread's id, which is the process's in the main thread. gettid(2).
int ebb_thread(void);
/// The next entry of /proc that is a process, or 0 at the end. readdir(3).
int ebb_readdir_number(DIR *_Nonnull proc);
/// A descriptor for a process, or -1 and errno. pidfd_open(2), Linux 5.3.
int ebb_pidfd_open(int pid);
/// kill(2) by descriptor: never hits a later process with the same pid. 0, or -1 and errno. pidfd_send_signal(2), Linux
/// 5.1.
int ebb_pidfd_signal(int pidfd, int number);
/// The user that an open file belongs to, or -1. fstat(2).
long ebb_owner(int fd);
/// Gives the controlling terminal up. 0, or -1 and errno. ioctl(2) TIOCNOTTY; see ioctl_tty(2).
int ebb_detach_terminal(int fd);
/// An unlinked file in memory, close-on-exec, or -1 and errno. memfd_create(2).
int ebb_memfd(const char *_Nonnull name);
/// Nobody can change the size of such a file any more. 0, or -1 and errno. fcntl(2) F_ADD_SEALS.
int ebb_seal_size(int fd);
/// The first `size` bytes of a file, to read and to write; NULL and errno. mmap(2) MAP_SHARED.
void *_Nullable ebb_map_shared(int fd, size_t size);
/// What a symbolic link says. Returns its length, cut off at `capacity`, or -1 and errno. readlink(2).
int ebb_read_link(const char *_Nonnull path, uint8_t *_Nonnull bytes, int capacity);
/// Opens an existing file, close-on-exec, and never waits for it. -1 and errno. open(2).
int ebb_open_existing(const char *_Nonnull path, bool for_writing);

/// Creates a file that may be executed, close-on-exec; EEXIST where there is one. open(2).
int ebb_open_new(const char *_Nonnull path);
/// S_IFREG, S_IFDIR, …, of what a symbolic link leads to; 0 where there is nothing. stat(2).
uint32_t ebb_file_type(const char *_Nonnull path);

/// The next connection of a listening socket, non-blocking and close-on-exec, or -1 and errno. accept4(2).
int ebb_accept(int fd);
/// The soft limit of open descriptors. getrlimit(2) RLIMIT_NOFILE.
int ebb_descriptor_limit(void);
/// The same open file under a number of at least `lowest`, close-on-exec, or -1 and errno. fcntl(2) F_DUPFD_CLOEXEC.
int ebb_duplicate_above(int fd, int lowest);
/// Opens a file for its new content without waiting for anybody, or -1 and errno. `create`: also where there is none.
/// open(2).
int ebb_open_truncate(const char *_Nonnull path, bool create);
/// A new TCP socket, non-blocking and close-on-exec, or -1 and errno. socket(2).
int ebb_tcp_socket(int family);

/// A new sock_diag(7) socket, non-blocking and close-on-exec, or -1 and errno. netlink(7).
int ebb_diag_socket(void);
/// From now on it gets what the kernel tells these multicast groups, of which the lowest bit is group 1. 0, or -1 and
/// errno. bind(2), netlink(7).
int ebb_join_netlink_groups(int fd, uint32_t mask);
/// The next datagram of the kernel's own; other processes' are thrown away. Returns its length, which is above
/// `capacity` where it was cut off, or -1 and errno. recvfrom(2) MSG_TRUNC.
int ebb_receive_from_kernel(int fd, void *_Nonnull bytes, int capacity);
/// What the next symbolic link in a folder says. Returns its length, cut off at `capacity`; 0 at the end, where errno
/// is 0 or the reason of an early one; -1 and errno. readdir(3), readlinkat(2).
int ebb_readdir_link(DIR *_Nonnull folder, uint8_t *_Nonnull text, int capacity);
/// The number of a file, or 0 where there is none. stat(2).
uint64_t ebb_stat_inode(const char *_Nonnull path);

/// Writes all of the bytes if that is possible without waiting, with or without O_NONBLOCK. Returns whether it
/// did; errno. pwritev2(2) RWF_NOWAIT.
bool ebb_write_now(int fd, const void *_Nonnull bytes, size_t count);
/// The next pending signal of a mask, or -1 and errno (EAGAIN: none in time). sigtimedwait(2).
int ebb_wait_for_signal(uint64_t mask, int64_t nanoseconds);

// What Dispatch waits with, made once to see whether it can be had. All close-on-exec; -1 and errno.

/// epoll_create1(2).
int ebb_epoll(void);
/// eventfd2(2).
int ebb_eventfd(void);
/// timerfd_create(2).
int ebb_timerfd(void);
/// timerfd_settime(2). 0.
int ebb_set_timerfd(int fd);
/// epoll_ctl(2). 0.
int ebb_add_to_epoll(int epoll, int fd);
/// epoll_wait(2), without waiting. 0 or 1.
int ebb_look_at_epoll(int epoll);
/// Whether so much memory can be had. malloc(3).
bool ebb_try_memory(size_t size);
/// Raises the soft limit of open descriptors to `wanted`. 0, or -1 and errno: EMFILE where the hard limit is lower.
/// setrlimit(2) RLIMIT_NOFILE.
int ebb_raise_descriptor_limit(int wanted);

/// errno(3) is a macro.
static inline int ebb_errno(void) { return errno; }
/// Whether this is a regular file; else errno says why it cannot be executed (ENOENT, EISDIR, EACCES). stat(2).
bool ebb_is_regular_file(const char *_Nonnull path);

#endif
