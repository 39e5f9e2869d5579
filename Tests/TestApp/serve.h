// The parts of `serve`: the event loop (serve.c) and its connections (http.c).

#pragma once

#include <stdbool.h>
#include <stdint.h>

/// A descriptor that epoll watches, and its handler.
struct source {
  int descriptor;
  void (*act)(struct source *source, uint32_t events);
  bool watched;
};

/// Watches for `events` from now on; 0: only for the end of both directions.
void watch(struct source *source, uint32_t events);

/// The behaviour of connections.
struct manners {
  bool keeps_half_closed; // does not close when the client has closed its side
  bool reads;             // or else accepts without reading
};

void open_connection(int descriptor, struct manners manners);
/// Closes idle connections now, and each of the others after its response.
void finish_connections(void);
long connection_count(void);
