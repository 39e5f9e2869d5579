// The parts of `serve`: the loop (serve.c) and its connections (http.c).

#pragma once

#include <stdbool.h>
#include <stdint.h>

/// A descriptor that epoll watches, and what is done when it is ready.
struct source {
  int descriptor;
  void (*act)(struct source *source, uint32_t events);
  bool watched;
};

/// Watches for `events` from now on; 0: for nothing but the end of both directions.
void watch(struct source *source, uint32_t events);

/// What connections are like.
struct manners {
  bool keeps_half_closed; // nor does it close when the client has
  bool reads;             // else it accepts and leaves the rest to the kernel
};

/// Takes over an accepted connection.
void open_connection(int descriptor, struct manners manners);
/// Closes whatever waits for nothing, and from now on the others too, each behind its answer.
void finish_connections(void);
/// How many there are.
long connection_count(void);
