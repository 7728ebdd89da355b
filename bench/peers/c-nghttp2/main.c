// What a server of this kind costs in C: one thread, epoll, nghttp2, protobuf-c.
// usage: server PORT POLICY plain|tuned
#define _GNU_SOURCE
#include "check.h"
#include "session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { CHUNK = 64 * 1024, ENOUGH_TO_SEND = 48 * 1024 };

static int poll_fd;

static void watch(connection *c, int operation, uint32_t events) {
  struct epoll_event e = {events, {.ptr = c}};
  epoll_ctl(poll_fd, operation, c->fd, &e);
}

static int fill(connection *c) {
  const uint8_t *bytes;
  while (c->filled < ENOUGH_TO_SEND) {
    ssize_t n = nghttp2_session_mem_send(c->http2, &bytes);
    if (n <= 0) return (int)n;
    size_t wanted = c->filled + (size_t)n;
    if (wanted > c->capacity) {
      c->capacity = wanted < CHUNK ? CHUNK : wanted;
      if (!(c->out = realloc(c->out, c->capacity))) return -1;
    }
    memcpy(c->out + c->filled, bytes, (size_t)n);
    c->filled = wanted;
  }
  return 0;
}

// Everything that one wake-up made goes out in as few writes as it takes; -1 closes.
static int flush(connection *c) {
  for (;;) {
    if (c->sent == c->filled) c->sent = c->filled = 0;
    if (fill(c) < 0) return -1;
    if (c->filled == 0) break;
    ssize_t n = send(c->fd, c->out + c->sent, c->filled - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      if (!c->waits_to_write) watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      c->waits_to_write = 1;
      return 0;
    }
    if (n < 0) return -1;
    c->sent += (size_t)n;
  }
  if (c->waits_to_write) watch(c, EPOLL_CTL_MOD, EPOLLIN);
  c->waits_to_write = 0;
  return nghttp2_session_want_read(c->http2) || nghttp2_session_want_write(c->http2) ? 0 : -1;
}

static void serve(connection *c, uint32_t events) {
  static uint8_t chunk[CHUNK];
  int failed = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    failed = n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && session_receive(c, chunk, (size_t)n) < 0);
  }
  if (failed || flush(c) < 0) session_close(c);
}

static void welcome(int listener) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection *c = session_open(fd);
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
    if (flush(c) < 0) session_close(c);
  }
}

static int listen_on(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in a = {
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1024) < 0) {
    perror("listen");
    exit(1);
  }
  return fd;
}

int main(int argc, char **argv) {
  static policy p;
  if (argc != 4) {
    fprintf(stderr, "usage: %s PORT POLICY plain|tuned\n", argv[0]);
    return 2;
  }
  policy_read(&p, argv[2]);
  check_prepare(&p, strcmp(argv[3], "tuned") == 0 ? TUNED : PLAIN);
  session_prepare();
  int listener = listen_on((uint16_t)atoi(argv[1]));
  poll_fd = epoll_create1(0);
  struct epoll_event e = {EPOLLIN, {.ptr = NULL}}, events[256];
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &e);
  for (;;) {
    int n = epoll_wait(poll_fd, events, 256, -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr) serve(events[i].data.ptr, events[i].events);
      else welcome(listener);
    }
  }
}
