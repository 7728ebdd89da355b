// One HTTP/2 connection that serves Authorization/Check.
#pragma once
#include <nghttp2/nghttp2.h>

typedef struct stream stream;

typedef struct {
  int fd;
  nghttp2_session *http2;
  stream *streams; // open ones
  uint8_t *out;    // encoded and not yet sent: out[sent ..< filled]
  size_t filled, sent, capacity;
  int waits_to_write;
} connection;

void session_prepare(void);
connection *session_open(int fd);
// 0, or -1 when the connection is to be closed.
int session_receive(connection *c, const uint8_t *bytes, size_t length);
void session_close(connection *c);
