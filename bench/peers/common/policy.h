// What a peer knows: the pass key, routes, and the header fields of an allow. Read once from the file that bench/run writes.
#pragma once
#include "slice.h"

#include <openssl/sha.h>

enum { MAX_ROUTES = 16, MAX_FIELDS = 32, TAG_BYTES = 16 };

typedef struct {
  slice prefix; // literal; the route is PREFIX or PREFIX/anything
  uint8_t tag[TAG_BYTES];
} route;

typedef struct {
  slice name, value;
} field;

typedef struct {
  uint32_t key_id;
  SHA256_CTX inner, outer; // HMAC-SHA-256 with the two padded blocks hashed once (RFC 2104)
  route routes[MAX_ROUTES];
  size_t n_routes;
  field set[MAX_FIELDS]; // set on the request to the app
  size_t n_set;
  slice removed[MAX_FIELDS]; // taken off the request to the app
  size_t n_removed;
} policy;

#ifdef __cplusplus
extern "C" {
#endif
// Exits with a message when the file is not what bench/run writes.
void policy_read(policy *p, const char *file);
#ifdef __cplusplus
}
#endif
