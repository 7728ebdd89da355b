#include "judge.h"

#include <openssl/crypto.h>
#include <time.h>

enum { FIXED_BYTES = 45, CODE_BYTES = 32, MAX_HOST = 264, MAX_PASS = FIXED_BYTES + MAX_HOST + CODE_BYTES };

static const char DOMAIN[] = "turnpike pass 1";

// Cuts the query off; 0 for a path that would first have to be rewritten. No measured request has one.
static int canonical_path(slice *path) {
  if (path->length == 0 || path->bytes[0] != '/') return 0;
  uint8_t last = 0;
  for (size_t i = 0; i < path->length; i++) {
    uint8_t c = path->bytes[i];
    if (c == '?') {
      path->length = i;
      break;
    }
    if (c <= ' ' || c >= 0x7f || c == '%' || c == '\\' || c == '#') return 0;
    if (last == '/' && (c == '/' || c == '.')) return 0;
    last = c;
  }
  return 1;
}

// Lower case, without port and trailing dot; 0 for anything that is no plain name.
static int canonical_host(slice host, uint8_t out[MAX_HOST], size_t *length) {
  size_t n = 0;
  if (host.length == 0 || host.length > MAX_HOST) return 0;
  for (size_t i = 0; i < host.length && host.bytes[i] != ':'; i++) {
    uint8_t c = host.bytes[i];
    if (c >= 'A' && c <= 'Z') c |= 0x20;
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_')) return 0;
    out[n++] = c;
  }
  if (n && out[n - 1] == '.') n--;
  *length = n;
  return n > 0;
}

// The longest literal prefix wins.
static const route *find_route(const policy *p, slice path) {
  const route *best = NULL;
  for (size_t i = 0; i < p->n_routes; i++) {
    const route *r = &p->routes[i];
    size_t n = r->prefix.length;
    if (n > path.length || (best && n <= best->prefix.length)) continue;
    if (n < path.length && path.bytes[n] != '/') continue;
    if (memcmp(r->prefix.bytes, path.bytes, n) == 0) best = r;
  }
  return best;
}

// base64url without padding (RFC 4648 §5); -1 for any other character, an impossible length or bits left over.
static long decode(slice text, uint8_t *out) {
  static int8_t values[256];
  if (!values['A']) {
    memset(values, -1, sizeof values);
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Each is kept plus one, so that 'A' shows that the table is there.
    for (int i = 0; i < 64; i++) values[(uint8_t)alphabet[i]] = (int8_t)(i + 1);
  }
  uint32_t bits = 0;
  int held = 0;
  uint8_t *o = out;
  for (size_t i = 0; i < text.length; i++) {
    int8_t v = values[text.bytes[i]];
    if (v <= 0) return -1;
    bits = bits << 6 | (uint32_t)(v - 1);
    held += 6;
    if (held >= 8) {
      held -= 8;
      *o++ = (uint8_t)(bits >> held);
    }
  }
  return held == 6 || (bits & ((1u << held) - 1)) ? -1 : o - out;
}

static void authenticate(const policy *p, const uint8_t *body, size_t length, uint8_t out[CODE_BYTES]) {
  SHA256_CTX c = p->inner;
  SHA256_Update(&c, DOMAIN, sizeof DOMAIN - 1);
  SHA256_Update(&c, body, length);
  SHA256_Final(out, &c);
  c = p->outer;
  SHA256_Update(&c, out, CODE_BYTES);
  SHA256_Final(out, &c);
}

static uint64_t integer(const uint8_t *bytes, int count) {
  uint64_t n = 0;
  for (int i = 0; i < count; i++) n = n << 8 | bytes[i];
  return n;
}

// 1 byte kind · 4 key id · 8 end · 16 serial · 16 route tag · host · 32 HMAC, behind `tp1.`
static verdict judge_pass(const policy *p, slice text, const route *r, const uint8_t *host,
                          size_t host_length) {
  uint8_t bytes[MAX_PASS + 3], code[CODE_BYTES];
  if (text.length < 4 || text.length > 4 + MAX_PASS * 4 / 3) return FORGED;
  if (memcmp(text.bytes, "tp1.", 4) != 0) return FORGED;
  long n = decode((slice){text.bytes + 4, text.length - 4}, bytes);
  if (n < FIXED_BYTES + CODE_BYTES || bytes[0] != 2 || integer(bytes + 1, 4) != p->key_id) return FORGED;
  size_t body = (size_t)n - CODE_BYTES;
  authenticate(p, bytes, body, code);
  if (CRYPTO_memcmp(code, bytes + body, CODE_BYTES) != 0) return FORGED;
  if (memcmp(bytes + 29, r->tag, TAG_BYTES) != 0) return OTHER_ROUTE;
  int same_host = body - FIXED_BYTES == host_length && memcmp(bytes + FIXED_BYTES, host, host_length) == 0;
  if (!same_host) return OTHER_ROUTE;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)integer(bytes + 5, 8) <= now.tv_sec ? EXPIRED : VALID;
}

verdict judge(const policy *p, const question *q) {
  slice path = q->path;
  uint8_t host[MAX_HOST];
  size_t host_length;
  if (!canonical_path(&path)) return BAD_PATH;
  if (!canonical_host(q->host, host, &host_length)) return BAD_HOST;
  const route *r = find_route(p, path);
  if (!r) return NO_ROUTE;
  if (q->passes == 0) return NO_PASS;
  if (q->passes > 1 || memchr(q->pass.bytes, ',', q->pass.length)) return TWO_PASSES;
  return judge_pass(p, q->pass, r, host, host_length);
}
