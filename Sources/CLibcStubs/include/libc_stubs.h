// Functions in addition to the replaced ones; see manager_queue.c.

#ifndef EBB_LIBC_STUBS_H
#define EBB_LIBC_STUBS_H

#include <stdbool.h>
#include <stdint.h>

/// Calls `first_use`, which must use Dispatch's manager queue for the first time, and captures the thread that Dispatch
/// tries to create. Call this once, in the main thread. Returns whether a thread was captured; its work is then that of
/// `ebb_run_manager`. If not, Dispatch has its thread in another way and serves the queue itself.
bool ebb_capture_manager(void (*_Nonnull first_use)(void *_Nullable), void *_Nullable context);

/// Does the work of the captured thread. Never returns.
void ebb_run_manager(void) __attribute__((noreturn));

/// Calls `handler` with a system call and its errno(3) when Dispatch cannot create or use a descriptor to wait with.
/// Dispatch itself would crash or go on without it. NULL, the initial value: calls no handler.
void ebb_watch_dispatch(
  void (*_Nullable handler)(void *_Nullable context, const char *_Nonnull call, int error), void *_Nullable context);

/// Makes the next source of signal `number` that Dispatch installs cover all signals of the mask (bit 0 is signal 1).
void ebb_join_signals(int number, uint64_t mask);

/// Returns whether that has happened. If not, the source is not installed yet, or Dispatch uses no signalfd(2) for it.
/// Each signal then needs another way.
bool ebb_has_joined_signals(void);

/// Returns the mask of the signals received since the last call. For the source's handler.
uint64_t ebb_take_joined_signals(void);

#endif
