// Dispatch as Swift sees it. A header of its own: no .c file may include it, since SwiftPM gives the C compiler no path
// to <dispatch/dispatch.h>. The source types are macros, which Swift does not import.

#ifndef EBB_DISPATCH_SHIM_H
#define EBB_DISPATCH_SHIM_H

#include <dispatch/dispatch.h>

static inline dispatch_source_type_t _Nonnull ebb_source_type_signal(void) { return DISPATCH_SOURCE_TYPE_SIGNAL; }
static inline dispatch_source_type_t _Nonnull ebb_source_type_timer(void) { return DISPATCH_SOURCE_TYPE_TIMER; }
static inline dispatch_source_type_t _Nonnull ebb_source_type_read(void) { return DISPATCH_SOURCE_TYPE_READ; }
static inline dispatch_source_type_t _Nonnull ebb_source_type_write(void) { return DISPATCH_SOURCE_TYPE_WRITE; }

// Swift takes the function itself for one that reference counting has replaced.
static inline void ebb_release_source(dispatch_source_t _Nonnull source) { dispatch_release(source); }

// libdispatch's manager queue: serial, and its thread is the one that waits in epoll. A handler that runs there sees
// its event without a hop to a second thread, which a queue of our own costs (about a third of the whole latency of a
// forwarded signal). libdispatch keeps the symbol to itself; ebb links it statically, so a toolchain without it fails
// to link and nothing can go wrong later. Handlers there must never wait: the contract of the core anyway.
extern struct dispatch_queue_s _dispatch_mgr_q;
static inline dispatch_queue_t _Nonnull ebb_manager_queue(void) { return (dispatch_queue_t)&_dispatch_mgr_q; }

#endif
