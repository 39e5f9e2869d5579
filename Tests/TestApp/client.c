// Clients of `serve` on 127.0.0.1.
//
// connect PORT COUNT [--silent] [--close]: makes COUNT connections with one answered request each (--silent: none).
// Then prints "connected" and keeps them; with --close closes each one before the next.
// scrape PORT MILLISECONDS [--keep-alive]: sends a request per interval, on one connection or each on a new one, and
// prints "scraped" for each. Exits with 0 when the server has ended.

#define _GNU_SOURCE
#include "test_app.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int try_to_connect(long port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) die("socket");
  if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0) return connection;
  close(connection);
  return -1;
}

// Returns whether a response has arrived.
static bool ask(int connection) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  char answer[1024];
  size_t length = 0;
  if (send(connection, request, sizeof request - 1, MSG_NOSIGNAL) < 0) return false;
  while (length < sizeof answer - 1) {
    ssize_t got = recv(connection, answer + length, sizeof answer - 1 - length, 0);
    if (got <= 0) return false;
    length += got;
    answer[length] = 0;
    if (strstr(answer, "\r\n\r\nok\n")) return true;
  }
  return false;
}

int mode_connect(int argc, char **argv) {
  if (argc < 3) die("connect PORT COUNT");
  long port = number(argv[1]), count = number(argv[2]);
  bool silent = false, closes = false;
  for (int at = 3; at < argc;) {
    if (flag(argv, &at, "--silent")) silent = true;
    else if (flag(argv, &at, "--close")) closes = true;
    else die("connect: %s", argv[at]);
  }
  allow_descriptors();
  for (long i = 0; i < count; i++) {
    int connection = try_to_connect(port);
    if (connection < 0 || (!silent && !ask(connection))) die("connection %ld", i);
    if (closes) close(connection);
  }
  say("connected");
  for (;;) pause();
}

int mode_scrape(int argc, char **argv) {
  if (argc < 3) die("scrape PORT MILLISECONDS");
  long port = number(argv[1]), pause = number(argv[2]);
  int at = 3;
  bool keeps = argc > 3 && flag(argv, &at, "--keep-alive");
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (int connection = -1;;) {
    if (connection < 0) connection = try_to_connect(port);
    if (connection < 0 || !ask(connection)) return 0;
    say("scraped");
    if (!keeps) {
      close(connection);
      connection = -1;
    }
    next.tv_nsec += pause % 1000 * 1000000;
    next.tv_sec += pause / 1000 + next.tv_nsec / 1000000000;
    next.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR) continue;
  }
}
