// serve PORT: a tiny HTTP server on 127.0.0.1 (0 = any free port). GET /slow answers after a second, anything else at
// once. On TERM it stops listening, finishes what is in flight and exits 0, as a well-behaved server does.

#define _GNU_SOURCE
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;

static void on_term(int number) {
  (void)number;
  stopping = 1;
}

static int listen_on(long port) {
  int one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  if (listen(listener, 128) < 0) die("listen");
  socklen_t length = sizeof address;
  getsockname(listener, (struct sockaddr *)&address, &length);
  say("listening port=%d pid=%d ppid=%d", ntohs(address.sin_port), getpid(), getppid());
  return listener;
}

static void answer(int connection) {
  static const char body[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
  char request[4096];
  size_t length = 0;
  while (length < sizeof request - 1) {
    ssize_t n = read(connection, request + length, sizeof request - 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(1);
    length += n;
    request[length] = 0;
    if (strstr(request, "\r\n\r\n")) break;
  }
  if (strncmp(request, "GET /slow", 9) == 0) sleep(1);
  _exit(write(connection, body, sizeof body - 1) == sizeof body - 1 ? 0 : 1);
}

int mode_serve(int argc, char **argv) {
  if (argc != 2) die("serve PORT");
  sigset_t term, usual;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, &usual);
  struct sigaction action = {.sa_handler = on_term};
  sigaction(SIGTERM, &action, NULL);

  struct pollfd listener = {.fd = listen_on(number(argv[1])), .events = POLLIN};
  while (!stopping) {
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (ppoll(&listener, 1, NULL, &usual) <= 0) continue;
    int connection = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) continue;
    if (fork() == 0) answer(connection);
    close(connection);
  }
  close(listener.fd);
  while (wait(NULL) > 0 || errno == EINTR) continue;
  say("served");
  return 0;
}
