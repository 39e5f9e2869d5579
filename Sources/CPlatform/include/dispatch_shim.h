// Dispatch for Swift. A separate header, because SwiftPM gives the C compiler no path to <dispatch/dispatch.h>, so no
// .c file may include it. The source types are macros, which Swift does not import.

#ifndef EBB_DISPATCH_SHIM_H
#define EBB_DISPATCH_SHIM_H

#include <dispatch/dispatch.h>

static inline dispatch_source_type_t _Nonnull ebb_source_type_signal(void) { return DISPATCH_SOURCE_TYPE_SIGNAL; }
static inline dispatch_source_type_t _Nonnull ebb_source_type_timer(void) { return DISPATCH_SOURCE_TYPE_TIMER; }
static inline dispatch_source_type_t _Nonnull ebb_source_type_read(void) { return DISPATCH_SOURCE_TYPE_READ; }
static inline dispatch_source_type_t _Nonnull ebb_source_type_write(void) { return DISPATCH_SOURCE_TYPE_WRITE; }

// Swift rejects a direct call of the function as replaced by reference counting.
static inline void ebb_release_source(dispatch_source_t _Nonnull source) { dispatch_release(source); }

// libdispatch's manager queue: serial, and its thread is the one that waits in epoll. A handler on it runs without a
// hop to a second thread, which a queue of our own would cost (about a third of the latency of a forwarded signal). The
// symbol is internal to libdispatch. ebb links it statically, so with a toolchain that lacks it the link fails, and
// nothing can go wrong later. Handlers must never block, as in all of the core.
extern struct dispatch_queue_s _dispatch_mgr_q;
static inline dispatch_queue_t _Nonnull ebb_manager_queue(void) { return (dispatch_queue_t)&_dispatch_mgr_q; }

#endif
