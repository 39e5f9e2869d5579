// serve PORT OPTION...: an HTTP/1.1 server on 127.0.0.1 (0 = any free port), with the endpoints of http.c. On TERM it
// stops listening, closes idle connections, finishes requests in flight and exits with 0, as a server should.
//
//   --dual               on every address of both families, with one socket
//   --unix PATH          on a UNIX socket, without TCP
//   --udp                on a UDP socket that is never read, without TCP
//   --reuseport COUNT    COUNT sockets on the same port
//   --late SIGNAL        listens on a second port after SIGNAL
//   --close-on SIGNAL    stops listening, and keeps serving open connections
//   --ignore-term        continues after TERM
//   --no-handler         leaves signals at their default: TERM ends it during a response
//   --no-accept          leaves its clients in the listen queue
//   --no-read            accepts, but does not read
//   --keep-half-closed   does not close when the client has closed its side

#define _GNU_SOURCE
#include "test_app.h"
#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { most_listeners = 16 };

static struct {
  long port, count;
  bool dual, udp, ignores_term, has_no_handler, accepts;
  const char *path;
  int late, close_on;
  struct manners manners;
} options = {.count = 1, .accepts = true, .manners = {.reads = true}};

static int epoll;
static struct source listeners[most_listeners + 1];
static long listener_count;
static bool stopping;

void watch(struct source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  int operation = source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(epoll, operation, source->descriptor, &event) < 0) die("epoll_ctl");
  source->watched = true;
}

// MARK: Listening

static void accept_all(struct source *listener, uint32_t events) {
  (void)events;
  for (;;) {
    int connection = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) return;
    open_connection(connection, options.manners);
  }
}

static socklen_t own_address(struct sockaddr_storage *address) {
  memset(address, 0, sizeof *address);
  if (options.path) {
    struct sockaddr_un *local = (struct sockaddr_un *)address;
    local->sun_family = AF_UNIX;
    snprintf(local->sun_path, sizeof local->sun_path, "%s", options.path);
    return sizeof *local;
  }
  if (options.dual) {
    struct sockaddr_in6 *any = (struct sockaddr_in6 *)address;
    any->sin6_family = AF_INET6;
    any->sin6_port = htons(options.port);
    return sizeof *any;
  }
  struct sockaddr_in *loopback = (struct sockaddr_in *)address;
  loopback->sin_family = AF_INET;
  loopback->sin_port = htons(options.port);
  loopback->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof *loopback;
}

// The next socket uses the port of the first one.
static void learn_port(int listener) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (options.path || getsockname(listener, (struct sockaddr *)&address, &length) < 0) return;
  // The port is at the same offset in both families.
  options.port = ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int open_listener(void) {
  int one = 1, zero = 0;
  struct sockaddr_storage address;
  socklen_t length = own_address(&address);
  int type = (options.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  int listener = socket(address.ss_family, type, 0);
  if (listener < 0) die("socket");
  if (!options.path) setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (options.count > 1) setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (options.dual) setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  if (bind(listener, (struct sockaddr *)&address, length) < 0) die("bind");
  if (!options.udp && listen(listener, 4096) < 0) die("listen");
  learn_port(listener);
  return listener;
}

static void begin_listening(void) {
  struct source *listener = &listeners[listener_count++];
  *listener = (struct source){.descriptor = open_listener(), .act = accept_all};
  if (options.accepts && !options.udp) watch(listener, EPOLLIN);
}

static void say_listening(void) {
  say("listening port=%ld pid=%d ppid=%d", options.port, getpid(), getppid());
}

static void listen_elsewhere_too(void) {
  options.port = 0;
  begin_listening();
  say_listening();
}

static void end_listening(void) {
  while (listener_count > 0) close(listeners[--listener_count].descriptor);
}

// MARK: Signals

static void take_signal(struct source *source, uint32_t events) {
  struct signalfd_siginfo info;
  struct timespec now;
  (void)events;
  if (read(source->descriptor, &info, sizeof info) != sizeof info) return;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int which = info.ssi_signo;
  say("got %s at=%ld", signal_name(which), now.tv_sec * 1000000000 + now.tv_nsec);
  if (which == options.late) listen_elsewhere_too();
  if (which == options.close_on) {
    end_listening();
    say("closed");
  }
  if (which != SIGTERM || options.ignores_term) return;
  stopping = true;
  end_listening();
  finish_connections();
}

static void watch_signals(void) {
  static struct source signals = {.act = take_signal};
  sigset_t all;
  block_all();
  sigfillset(&all);
  signals.descriptor = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals.descriptor < 0) die("signalfd");
  watch(&signals, EPOLLIN);
}

// MARK: Main loop

static void read_options(int argc, char **argv) {
  if (argc < 2) die("serve PORT");
  options.port = number(argv[1]);
  for (int at = 2; at < argc;) {
    const char *text;
    if (flag(argv, &at, "--dual")) options.dual = true;
    else if ((text = value(argc, argv, &at, "--unix"))) options.path = text;
    else if (flag(argv, &at, "--udp")) options.udp = true;
    else if ((text = value(argc, argv, &at, "--reuseport"))) options.count = number(text);
    else if ((text = value(argc, argv, &at, "--late"))) options.late = signal_number(text);
    else if ((text = value(argc, argv, &at, "--close-on"))) options.close_on = signal_number(text);
    else if (flag(argv, &at, "--ignore-term")) options.ignores_term = true;
    else if (flag(argv, &at, "--no-handler")) options.has_no_handler = true;
    else if (flag(argv, &at, "--no-accept")) options.accepts = false;
    else if (flag(argv, &at, "--no-read")) options.manners.reads = false;
    else if (flag(argv, &at, "--keep-half-closed")) options.manners.keeps_half_closed = true;
    else die("serve: %s", argv[at]);
  }
  if (options.count < 1 || options.count > most_listeners) die("serve: --reuseport");
}

void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) die("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) die("setrlimit");
}

int mode_serve(int argc, char **argv) {
  read_options(argc, argv);
  allow_descriptors();
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll_create1");
  if (!options.has_no_handler) watch_signals();
  while (listener_count < options.count) begin_listening();
  say_listening();
  while (!stopping || connection_count() > 0) {
    struct epoll_event event;  // one at a time, because handling it may close the others
    int count = epoll_wait(epoll, &event, 1, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    struct source *source = event.data.ptr;
    if (count > 0) source->act(source, event.events);
  }
  say("served");
  return 0;
}
