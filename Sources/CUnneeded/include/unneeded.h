// What this target adds to the calls that it replaces; see manager.c.

#ifndef EBB_UNNEEDED_H
#define EBB_UNNEEDED_H

#include <stdbool.h>

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

#endif
