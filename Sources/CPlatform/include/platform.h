// Functions that Swift cannot call or import directly: variadic calls, macros, GNU extensions, vfork(2). No logic. On
// failure they return -1, or NULL, and set errno(3), unless their comment says otherwise.

#ifndef EBB_PLATFORM_H
#define EBB_PLATFORM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
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

// Signals. glibc's sigset_t functions omit signals 32 and 33, which it reserves for its threads, but a command may use
// them (musl, Go). So masks are the kernel's: 64 bits in host byte order, bit 0 for signal 1.

/// Sets the calling thread's signal mask. Returns the previous one. rt_sigprocmask(2).
uint64_t ebb_set_signal_mask(uint64_t mask);
/// Returns a close-on-exec, non-blocking descriptor for reading the blocked signals of `mask`. signalfd(2).
int ebb_signalfd(uint64_t mask);
/// Reads up to `capacity` pending signal numbers from a signalfd. Returns their count. signalfd(2).
int ebb_read_signals(int fd, uint32_t *_Nonnull numbers, int capacity);
/// Waits for the next pending signal of a mask. EAGAIN after the timeout. sigtimedwait(2).
int ebb_wait_for_signal(uint64_t mask, int64_t nanoseconds);
/// Discards a pending signal if this process itself caused it. Returns whether it did. sigtimedwait(2).
bool ebb_discard_own_signal(int number);
/// Returns whether the signal is ignored. sigaction(2).
bool ebb_is_ignored(int number);
/// Restores the default action. sigaction(2).
void ebb_set_default_action(int number);
/// prctl(2) PR_SET_PDEATHSIG.
int ebb_set_parent_death_signal(int number);

// Processes and threads

/// Starts a detached thread with a small stack. All signals are blocked in it except glibc's own two, 32 and 33, which
/// do nothing from then on. Returns 0 or an error number. pthread_create(3), nptl(7).
int ebb_start_thread(void *_Nullable (*_Nonnull start)(void *_Nullable), void *_Nullable context);
/// Returns the calling thread's id, in the main thread the pid. gettid(2).
int ebb_thread(void);

/// Settings of ebb_spawn_command.
struct ebb_spawn {
  const char *_Nonnull path;
  char *_Nullable const *_Nonnull argv;
  char *_Nullable const *_Nullable envp;
  uint64_t mask;         // signal mask
  bool ignore_sigchld;   // whether SIGCHLD is ignored, as it was when ebb started
  bool new_session;      // setsid(2), or else only its own process group
  int terminal;          // its group becomes the foreground group here; -1: none
  bool take_terminal;    // with new_session: first makes the terminal its controlling terminal
  bool detaches_standard_streams;     // empty standard input, standard output to standard error
  long descriptor_limit; // soft limit (RLIMIT_NOFILE); -1: as ebb's
  bool in_place;         // replaces this process, which was forked for it
};

/// Starts a command. Returns its pid once it has executed; 0 and errno if execve(2) failed, -1 and errno if vfork(2)
/// failed. With `in_place` it returns only after a failed execve(2). All signals must be blocked. posix_spawn(3) cannot
/// leave SIGCHLD ignored in the command alone, nor go on if the terminal cannot be handed over; hence vfork(2).
int ebb_spawn_command(const struct ebb_spawn *_Nonnull spawn);

/// fork(2). The child, which gets 0, has one thread. glibc makes malloc(3) usable in it.
int ebb_fork(void);
/// Returns zeroed memory that a child shares with its parent. mmap(2) MAP_SHARED.
void *_Nullable ebb_map_for_child(size_t size);

/// The result of waitpid(2): the child's pid, and whether WIFEXITED, WIFSIGNALED or WIFSTOPPED is true.
struct ebb_wait {
  int pid;
  enum { EBB_EXITED, EBB_SIGNALED, EBB_STOPPED } how;
  int value;  // exit code or signal number
  bool core_dumped;
};

/// Reaps a child (-1: any), or reports that it has stopped, without blocking. Returns 1, or 0 for none. waitpid(2).
int ebb_wait(int child, struct ebb_wait *_Nonnull wait);
/// Returns whether a child has ended, without reaping it; also true if it is not a child. waitid(2) WNOWAIT.
bool ebb_has_ended(int child);
/// prctl(2) PR_GET_CHILD_SUBREAPER.
bool ebb_is_subreaper(void);
/// prctl(2) PR_SET_CHILD_SUBREAPER.
int ebb_become_subreaper(void);
/// Returns a descriptor for a process. pidfd_open(2), Linux 5.3.
int ebb_pidfd_open(int pid);
/// Sends a signal by pidfd, so never to a later process with the same pid. pidfd_send_signal(2), Linux 5.1.
int ebb_pidfd_signal(int pidfd, int number);

// Files and descriptors

/// Opens an existing file, close-on-exec, without blocking. open(2).
int ebb_open_existing(const char *_Nonnull path, bool for_writing);
/// Creates an executable file, close-on-exec. EEXIST if the name is in use. open(2).
int ebb_open_new(const char *_Nonnull path);
/// Opens a file for writing, truncated, without blocking; with `create` also a new one. open(2).
int ebb_open_truncate(const char *_Nonnull path, bool create);
/// Opens a descriptor that can be neither read nor written, at the lowest free number. open(2) with O_PATH.
int ebb_open_placeholder(void);
/// Reads a file's first bytes. Returns their count. open(2), read(2).
int ebb_read_file(const char *_Nonnull path, uint8_t *_Nonnull bytes, int capacity);
/// Reads a symbolic link. Returns its length, truncated to `capacity`. readlink(2).
int ebb_read_link(const char *_Nonnull path, uint8_t *_Nonnull bytes, int capacity);
/// Writes all bytes if possible without blocking, with or without O_NONBLOCK. Returns whether it did. pwritev2(2).
bool ebb_write_now(int fd, const void *_Nonnull bytes, size_t count);
/// Returns S_IFREG, S_IFDIR, …, following symbolic links; 0 if there is no such file. stat(2).
uint32_t ebb_file_type(const char *_Nonnull path);
/// Returns whether this is a regular file; if not, errno says why not (ENOENT, EISDIR, EACCES). stat(2).
bool ebb_is_regular_file(const char *_Nonnull path);
/// Returns the inode number of a file, or 0 without such a file. stat(2).
uint64_t ebb_stat_inode(const char *_Nonnull path);
/// Returns the owner of an open file, or -1. fstat(2).
long ebb_owner(int fd);
/// Duplicates a descriptor to a number of at least `lowest`, close-on-exec. fcntl(2) F_DUPFD_CLOEXEC.
int ebb_duplicate_above(int fd, int lowest);
/// Closes every descriptor from `first` to `last`. close_range(2), Linux 5.9.
int ebb_close_range(int first, int last);
/// Returns the soft limit of open descriptors. getrlimit(2) RLIMIT_NOFILE.
int ebb_descriptor_limit(void);
/// Raises the soft limit of open descriptors to `wanted`. EMFILE if the hard limit is lower. setrlimit(2).
int ebb_raise_descriptor_limit(int wanted);

// /proc

/// Returns the pid that /proc/self names, or -1 without /proc. proc_pid(5).
int ebb_proc_self(void);
/// Returns the next numeric entry of a folder in /proc, or 0 at the end. readdir(3).
int ebb_readdir_number(DIR *_Nonnull proc);
/// Reads the next symbolic link in a folder. Returns its length, truncated to `capacity`; 0 at the end, with errno 0,
/// or with the error that ended it early; -1 if the link cannot be read. readdir(3), readlinkat(2).
int ebb_readdir_link(DIR *_Nonnull folder, uint8_t *_Nonnull text, int capacity);

// Shared memory

/// Creates an unlinked file in memory, close-on-exec. memfd_create(2).
int ebb_memfd(const char *_Nonnull name);
/// Seals the size of such a file. fcntl(2) F_ADD_SEALS.
int ebb_seal_size(int fd);
/// Maps the first `size` bytes of a file, readable and writable. mmap(2) MAP_SHARED.
void *_Nullable ebb_map_shared(int fd, size_t size);

// Terminal

/// Gives up the controlling terminal. ioctl(2) TIOCNOTTY; see ioctl_tty(2).
int ebb_detach_terminal(int fd);

// Sockets and netlink

/// Returns a TCP socket, non-blocking and close-on-exec. socket(2).
int ebb_tcp_socket(int family);
/// Accepts the next connection, non-blocking and close-on-exec. accept4(2).
int ebb_accept(int fd);
/// Returns a sock_diag(7) socket, non-blocking and close-on-exec. netlink(7).
int ebb_diag_socket(void);
/// Joins multicast groups; bit 0 of `mask` is group 1. bind(2), netlink(7).
int ebb_join_netlink_groups(int fd, uint32_t mask);
/// Receives the next datagram from the kernel and discards those of other processes. Returns its length, larger than
/// `capacity` if it was truncated. recvfrom(2) MSG_TRUNC.
int ebb_receive_from_kernel(int fd, void *_Nonnull bytes, int capacity);

// The calls that Dispatch waits with, tried once before the spawn. All descriptors are close-on-exec.

/// epoll_create1(2).
int ebb_epoll(void);
/// eventfd2(2).
int ebb_eventfd(void);
/// timerfd_create(2).
int ebb_timerfd(void);
/// Disarms a timer. timerfd_settime(2).
int ebb_set_timerfd(int fd);
/// Watches a descriptor. epoll_ctl(2).
int ebb_add_to_epoll(int epoll, int fd);
/// Waits without blocking. Returns 0 or 1. epoll_wait(2).
int ebb_look_at_epoll(int epoll);
/// Returns whether this much memory is available, in bytes. malloc(3).
bool ebb_try_memory(size_t size);

/// errno(3) is a macro.
static inline int ebb_errno(void) { return errno; }

#endif
