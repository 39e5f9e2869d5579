// A connection of `serve`, with HTTP/1.1 keep-alive:
//
//   GET /delay/SECONDS        "ok" after that time, for example 0.5
//   GET /stream/MILLISECONDS  one chunk per interval, without end
//   GET /big/BYTES            a body of this size
//   GET /upgrade              switches protocols, then discards input and sends nothing
//   anything else             "ok", after the whole body has arrived

#define _GNU_SOURCE
#include "test_app.h"
#include "serve.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum state { reading, answering, streaming, upgraded };

struct connection {
  struct source socket; // must be first: a source is cast to its connection
  struct source timer;
  struct connection *previous, *next;
  struct manners manners;
  enum state state;
  char request[8192];
  size_t length;
  long body; // of the request, still to be received
  char head[256];
  size_t head_length;
  long fill; // of the response, still to be sent
  bool closes, ended;
};

static struct connection *first;
static long count;
static bool finishing;

long connection_count(void) { return count; }

static void drop(struct connection *connection) {
  if (connection->previous) connection->previous->next = connection->next; else first = connection->next;
  if (connection->next) connection->next->previous = connection->previous;
  if (connection->timer.descriptor >= 0) close(connection->timer.descriptor);
  close(connection->socket.descriptor);
  free(connection);
  count -= 1;
}

// MARK: Response

static void end_answer(struct connection *connection) {
  if (connection->state != answering) return;
  if (connection->closes || finishing || (connection->ended && !connection->manners.keeps_half_closed))
    return drop(connection);
  connection->state = reading;
  connection->length = 0;
}

// Sends what fits now, the rest when there is room. Ends the response after the last byte.
static void flush(struct connection *connection) {
  static char filling[65536];
  if (!filling[0]) memset(filling, 'x', sizeof filling);
  while (connection->head_length > 0 || connection->fill > 0) {
    bool in_head = connection->head_length > 0;
    size_t length = in_head ? connection->head_length : (size_t)connection->fill;
    if (!in_head && length > sizeof filling) length = sizeof filling;
    ssize_t sent = send(connection->socket.descriptor, in_head ? connection->head : filling, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return watch(&connection->socket, EPOLLOUT);
    if (sent < 0) return drop(connection);
    if (in_head) {
      connection->head_length -= sent;
      memmove(connection->head, connection->head + sent, connection->head_length);
    } else {
      connection->fill -= sent;
    }
  }
  watch(&connection->socket, connection->ended ? 0 : EPOLLIN);
  end_answer(connection);
}

static void put(struct connection *connection, const char *text) {
  connection->head_length = strlen(text);
  memcpy(connection->head, text, connection->head_length);
  flush(connection);
}

static void answer(struct connection *connection, long fill) {
  char text[sizeof connection->head];
  long length = fill > 0 ? fill : 3;
  snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\nConnection: %s\r\n\r\n%s", length,
           connection->closes ? "close" : "keep-alive", fill > 0 ? "" : "ok\n");
  connection->fill = fill;
  put(connection, text);
}

static void on_timer(struct source *source, uint32_t events) {
  struct connection *connection = (struct connection *)((char *)source - offsetof(struct connection, timer));
  uint64_t times;
  (void)events;
  if (read(source->descriptor, &times, sizeof times) != sizeof times) return;
  if (connection->state == streaming) {
    if (connection->head_length == 0) put(connection, "5\r\ntick\n\r\n");
    return;
  }
  close(source->descriptor);
  *source = (struct source){.descriptor = -1, .act = on_timer};
  answer(connection, 0);
}

static void set_timer(struct connection *connection, double seconds, bool repeats) {
  struct timespec span = {seconds, (seconds - (long)seconds) * 1e9};
  if (span.tv_sec == 0 && span.tv_nsec == 0) span.tv_nsec = 1;
  struct itimerspec setting = {.it_value = span};
  if (repeats) setting.it_interval = span;
  connection->timer.descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (connection->timer.descriptor < 0) die("timerfd_create");
  timerfd_settime(connection->timer.descriptor, 0, &setting, NULL);
  watch(&connection->timer, EPOLLIN);
}

// MARK: Request

static void begin_answer(struct connection *connection) {
  double seconds;
  long amount;
  connection->state = answering;
  if (sscanf(connection->request, "GET /delay/%lf", &seconds) == 1) return set_timer(connection, seconds, false);
  if (sscanf(connection->request, "GET /big/%ld", &amount) == 1) return answer(connection, amount);
  if (sscanf(connection->request, "GET /stream/%ld", &amount) == 1) {
    connection->state = streaming;
    set_timer(connection, amount / 1000.0, true);
    return put(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  if (strncmp(connection->request, "GET /upgrade", 12) == 0) {
    connection->state = upgraded;
    return put(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n");
  }
  answer(connection, 0);
}

static void take(struct connection *connection, const char *bytes, size_t length) {
  if (connection->state != reading) return;
  if (connection->body > 0) {
    connection->body -= (long)length < connection->body ? (long)length : connection->body;
    if (connection->body == 0) begin_answer(connection);
    return;
  }
  if (connection->length + length >= sizeof connection->request) return drop(connection);
  memcpy(connection->request + connection->length, bytes, length);
  connection->length += length;
  connection->request[connection->length] = 0;
  char *end = strstr(connection->request, "\r\n\r\n");
  if (!end) return;
  char *size = strcasestr(connection->request, "\r\nContent-Length:");
  connection->closes = strcasestr(connection->request, "\r\nConnection: close") || finishing;
  connection->body = size ? strtol(size + 17, NULL, 10) - (connection->request + connection->length - end - 4) : 0;
  if (connection->body <= 0) begin_answer(connection);
}

static void on_socket(struct source *source, uint32_t events) {
  static char bytes[65536];
  struct connection *connection = (struct connection *)source;
  if (events & (EPOLLHUP | EPOLLERR)) return drop(connection);
  if (events & EPOLLOUT) return flush(connection);
  ssize_t got = recv(source->descriptor, bytes, sizeof bytes, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got > 0) return take(connection, bytes, got);
  bool waits = connection->state == answering || connection->manners.keeps_half_closed;
  if (got < 0 || !waits) return drop(connection);
  connection->ended = true;
  watch(source, 0);
}

void open_connection(int descriptor, struct manners manners) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection) die("calloc");
  connection->socket = (struct source){.descriptor = descriptor, .act = on_socket};
  connection->timer = (struct source){.descriptor = -1, .act = on_timer};
  connection->manners = manners;
  connection->next = first;
  if (first) first->previous = connection;
  first = connection;
  count += 1;
  if (manners.reads) watch(&connection->socket, EPOLLIN);
}

void finish_connections(void) {
  finishing = true;
  for (struct connection *one = first, *next; one; one = next) {
    next = one->next;
    bool is_busy = one->state == answering || (one->state == reading && one->length > 0);
    if (!is_busy) drop(one);
  }
}
