// What this target adds to the calls that it replaces; see manager.c.

#ifndef EBB_UNNEEDED_H
#define EBB_UNNEEDED_H

#include <stdbool.h>
#include <stdint.h>

/// Calls `first_use`, which must use Dispatch's manager queue for the first time, and keeps the thread that Dispatch asks
/// for meanwhile from being created. To be called by the main thread, once. Returns whether a thread was asked for: its
/// work is `ebb_run_manager`'s then. Else Dispatch has made its thread in some other way, and runs the queue by itself.
bool ebb_capture_manager(void (*_Nonnull first_use)(void *_Nullable), void *_Nullable context);

/// Does the work of the thread that was captured. Never returns.
void ebb_run_manager(void) __attribute__((noreturn));

/// Calls `handler` with a system call and its errno(3) where Dispatch cannot make what it waits with, or cannot wait for
/// it: Dispatch itself crashes then, or carries on without. NULL, as at the start: no handler is called.
void ebb_watch_dispatch(
  void (*_Nullable handler)(void *_Nullable context, const char *_Nonnull call, int error), void *_Nullable context);

/// Lets the next source of signal `number` that Dispatch installs stand for all signals of the mask, the bit
/// 1 << (number - 1) each, on one descriptor.
void ebb_join_signals(int number, uint64_t mask);

/// Whether that was done. Else the source was not installed yet, or Dispatch makes no signalfd(2) for one: each signal
/// needs some other way then.
bool ebb_has_joined_signals(void);

/// The signals that have come since the last call, as a mask. For the source's handler.
uint64_t ebb_take_joined_signals(void);

#endif
