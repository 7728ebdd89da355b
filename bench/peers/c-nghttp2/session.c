#include "session.h"
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

enum { MAX_BODY = 64 * 1024, PREFIX = 5 };

struct stream {
  stream *next, *previous; // of the connection's open ones, or `next` of the pool
  uint8_t *body;
  size_t length, capacity;
  int is_check;
  size_t answered, answer_length;
  uint8_t answer[PREFIX + MAX_ANSWER];
};

static stream *pool;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

#define FIELD(n, v)                                                                                        \
  {(uint8_t *)n, (uint8_t *)v, sizeof(n) - 1, sizeof(v) - 1,                                               \
   NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE}
static const nghttp2_nv head[] = {FIELD(":status", "200"), FIELD("content-type", "application/grpc")};
static const nghttp2_nv trailers[] = {FIELD("grpc-status", "0")};
static const nghttp2_nv unimplemented[] = {
  FIELD(":status", "200"), FIELD("content-type", "application/grpc"), FIELD("grpc-status", "12")};
static const nghttp2_nv unreadable[] = {
  FIELD(":status", "200"), FIELD("content-type", "application/grpc"), FIELD("grpc-status", "3")};

static int on_begin_headers(nghttp2_session *http2, const nghttp2_frame *frame, void *data) {
  connection *c = data;
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  stream *s = pool;
  if (s) pool = s->next;
  else if (!(s = calloc(1, sizeof *s))) return NGHTTP2_ERR_CALLBACK_FAILURE;
  s->length = s->answered = s->answer_length = 0;
  s->is_check = 0;
  s->previous = NULL;
  s->next = c->streams;
  if (s->next) s->next->previous = s;
  c->streams = s;
  return nghttp2_session_set_stream_user_data(http2, frame->hd.stream_id, s);
}

static int on_header(nghttp2_session *http2, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *data) {
  (void)flags, (void)data;
  static const char check_path[] = "/envoy.service.auth.v3.Authorization/Check";
  if (!slice_is((slice){name, name_length}, ":path", 5)) return 0;
  stream *s = nghttp2_session_get_stream_user_data(http2, frame->hd.stream_id);
  if (s) s->is_check = slice_is((slice){value, value_length}, check_path, sizeof check_path - 1);
  return 0;
}

static int on_data(nghttp2_session *http2, uint8_t flags, int32_t id, const uint8_t *bytes, size_t length,
                   void *data) {
  (void)flags, (void)data;
  stream *s = nghttp2_session_get_stream_user_data(http2, id);
  if (!s) return 0;
  size_t wanted = s->length + length;
  if (wanted > s->capacity) {
    if (wanted > MAX_BODY) return NGHTTP2_ERR_CALLBACK_FAILURE;
    s->capacity = wanted <= 4096 ? 4096 : MAX_BODY;
    if (!(s->body = realloc(s->body, s->capacity))) return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  memcpy(s->body + s->length, bytes, length);
  s->length = wanted;
  return 0;
}

static ssize_t read_answer(nghttp2_session *http2, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
                           nghttp2_data_source *source, void *data) {
  (void)data;
  stream *s = source->ptr;
  size_t n = s->answer_length - s->answered;
  if (n > room) n = room;
  memcpy(out, s->answer + s->answered, n);
  s->answered += n;
  if (s->answered == s->answer_length) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(http2, id, trailers, 1);
  }
  return (ssize_t)n;
}

static void put_length(uint8_t *prefix, size_t n) {
  prefix[0] = 0;
  for (int i = 0; i < 4; i++) prefix[1 + i] = (uint8_t)(n >> (24 - 8 * i));
}

static int answer(nghttp2_session *http2, int32_t id, stream *s) {
  if (!s->is_check) return nghttp2_submit_response(http2, id, unimplemented, 3, NULL);
  long n = -1;
  if (s->length >= PREFIX && s->body[0] == 0) {
    size_t stated = 0;
    for (int i = 0; i < 4; i++) stated = stated << 8 | s->body[1 + i];
    if (stated == s->length - PREFIX) n = check(s->body + PREFIX, stated, s->answer + PREFIX);
  }
  if (n < 0) return nghttp2_submit_response(http2, id, unreadable, 3, NULL);
  put_length(s->answer, (size_t)n);
  s->answer_length = PREFIX + (size_t)n;
  nghttp2_data_provider provider = {{.ptr = s}, read_answer};
  return nghttp2_submit_response(http2, id, head, 2, &provider);
}

static int on_frame(nghttp2_session *http2, const nghttp2_frame *frame, void *data) {
  (void)data;
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  stream *s = nghttp2_session_get_stream_user_data(http2, frame->hd.stream_id);
  return s ? answer(http2, frame->hd.stream_id, s) : 0;
}

static void put_back(connection *c, stream *s) {
  if (s->previous) s->previous->next = s->next;
  else c->streams = s->next;
  if (s->next) s->next->previous = s->previous;
  s->next = pool;
  pool = s;
}

static int on_close(nghttp2_session *http2, int32_t id, uint32_t error, void *data) {
  (void)error;
  stream *s = nghttp2_session_get_stream_user_data(http2, id);
  if (s) put_back(data, s);
  return 0;
}

void session_prepare(void) {
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_option_new(&options);
  nghttp2_option_set_no_closed_streams(options, 1);
}

connection *session_open(int fd) {
  connection *c = calloc(1, sizeof *c);
  c->fd = fd;
  nghttp2_session_server_new2(&c->http2, callbacks, c, options);
  nghttp2_settings_entry settings[] = {
    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
  nghttp2_submit_settings(c->http2, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(c->http2, NGHTTP2_FLAG_NONE, 0, 8 << 20);
  return c;
}

int session_receive(connection *c, const uint8_t *bytes, size_t length) {
  return nghttp2_session_mem_recv(c->http2, bytes, length) < 0 ? -1 : 0;
}

void session_close(connection *c) {
  while (c->streams) put_back(c, c->streams);
  nghttp2_session_del(c->http2);
  close(c->fd);
  free(c->out);
  free(c);
}
