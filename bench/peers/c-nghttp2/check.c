#include "check.h"
#include "external_auth.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

typedef Envoy__Service__Auth__V3__CheckRequest check_request;
typedef Envoy__Service__Auth__V3__CheckResponse check_response;
typedef Envoy__Service__Auth__V3__AttributeContext__HttpRequest http_request;
typedef Envoy__Service__Auth__V3__HeadersEntry headers_entry;
typedef Envoy__Config__Core__V3__HeaderValue header_value;
typedef Envoy__Config__Core__V3__HeaderValueOption header_option;

static const policy *rules;
static technique used;
static ProtobufCAllocator *allocator; // NULL: malloc and free
static check_response allowed, refused;

typedef struct {
  size_t length;
  uint8_t bytes[MAX_ANSWER];
} encoded;
static encoded encoded_allowed, encoded_refused;

// One request at a time is decoded, so one bump allocator serves all; it is emptied before each.
static _Alignas(16) uint8_t arena[256 * 1024];
static size_t arena_used;
static void *bump(void *data, size_t size) {
  (void)data;
  size = (size + 15) & ~(size_t)15;
  if (size > sizeof arena - arena_used) return NULL;
  void *p = arena + arena_used;
  arena_used += size;
  return p;
}
static void keep(void *data, void *p) { (void)data, (void)p; }
static ProtobufCAllocator bump_allocator = {bump, keep, NULL};

static ProtobufCBinaryData binary(slice s) { return (ProtobufCBinaryData){s.length, (uint8_t *)s.bytes}; }
static slice bytes_of(ProtobufCBinaryData d) { return (slice){d.data, d.len}; }

static void encode_once(const check_response *response, encoded *out) {
  out->length = envoy__service__auth__v3__check_response__pack(response, out->bytes);
}

// Both answers are trees that never change.
void check_prepare(const policy *p, technique how) {
  static header_value values[MAX_FIELDS];
  static header_option options[MAX_FIELDS], *set[MAX_FIELDS];
  static ProtobufCBinaryData removed[MAX_FIELDS];
  static Envoy__Service__Auth__V3__OkHttpResponse ok;
  static Envoy__Service__Auth__V3__DeniedHttpResponse denied;
  static Envoy__Type__V3__HttpStatus status;
  static Google__Rpc__Status code;
  rules = p;
  used = how;
  allocator = how == TUNED ? &bump_allocator : NULL;

  envoy__service__auth__v3__ok_http_response__init(&ok);
  for (size_t i = 0; i < p->n_set; i++) {
    envoy__config__core__v3__header_value__init(&values[i]);
    envoy__config__core__v3__header_value_option__init(&options[i]);
    values[i].key = binary(p->set[i].name);
    values[i].value = binary(p->set[i].value);
    options[i].header = &values[i];
    options[i].append_action =
      ENVOY__CONFIG__CORE__V3__HEADER_VALUE_OPTION__HEADER_APPEND_ACTION__OVERWRITE_IF_EXISTS_OR_ADD;
    set[i] = &options[i];
  }
  for (size_t i = 0; i < p->n_removed; i++) removed[i] = binary(p->removed[i]);
  ok.n_headers = p->n_set;
  ok.headers = set;
  ok.n_headers_to_remove = p->n_removed;
  ok.headers_to_remove = removed;
  envoy__service__auth__v3__check_response__init(&allowed);
  allowed.http_response_case = ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_OK_RESPONSE;
  allowed.ok_response = &ok;
  if (envoy__service__auth__v3__check_response__get_packed_size(&allowed) > MAX_ANSWER) {
    fprintf(stderr, "an allow is longer than %d bytes\n", MAX_ANSWER);
    exit(1);
  }

  google__rpc__status__init(&code);
  code.code = 7; // PERMISSION_DENIED: with 0 Envoy would let the request pass
  envoy__type__v3__http_status__init(&status);
  status.code = 402;
  envoy__service__auth__v3__denied_http_response__init(&denied);
  denied.status = &status;
  envoy__service__auth__v3__check_response__init(&refused);
  refused.status = &code;
  refused.http_response_case = ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_DENIED_RESPONSE;
  refused.denied_response = &denied;
  encode_once(&allowed, &encoded_allowed);
  encode_once(&refused, &encoded_refused);
}

static long answer(verdict v, uint8_t out[MAX_ANSWER]) {
  if (used == PLAIN) {
    const check_response *response = v == VALID ? &allowed : &refused;
    return (long)envoy__service__auth__v3__check_response__pack(response, out);
  }
  const encoded *e = v == VALID ? &encoded_allowed : &encoded_refused;
  memcpy(out, e->bytes, e->length);
  return (long)e->length;
}

// The schema keeps the entries encoded; each is decoded here, as a protobuf library does for a map.
static verdict judge_http(const http_request *http) {
  question q = {.path = bytes_of(http->path), .host = bytes_of(http->host)};
  headers_entry *pass = NULL;
  int readable = 1;
  for (size_t i = 0; i < http->n_headers && readable; i++) {
    headers_entry *entry =
      envoy__service__auth__v3__headers_entry__unpack(allocator, http->headers[i].len, http->headers[i].data);
    readable = entry != NULL;
    headers_entry *done = entry;
    if (readable && slice_is(bytes_of(entry->key), "turnpike-pass", 13)) {
      q.pass = bytes_of(entry->value);
      q.passes++;
      done = pass;
      pass = entry;
    }
    if (!allocator) envoy__service__auth__v3__headers_entry__free_unpacked(done, NULL);
  }
  verdict v = readable ? judge(rules, &q) : BAD_HEADERS;
  if (!allocator) envoy__service__auth__v3__headers_entry__free_unpacked(pass, NULL);
  return v;
}

long check(const uint8_t *message, size_t length, uint8_t out[MAX_ANSWER]) {
  arena_used = 0;
  check_request *request = envoy__service__auth__v3__check_request__unpack(allocator, length, message);
  if (!request) return -1;
  long written = -1;
  if (request->attributes && request->attributes->request && request->attributes->request->http) {
    written = answer(judge_http(request->attributes->request->http), out);
  }
  if (!allocator) envoy__service__auth__v3__check_request__free_unpacked(request, NULL);
  return written;
}
