#include "policy.h"

#include <stdio.h>
#include <stdlib.h>

static void give_up(const char *file, const char *line) {
  fprintf(stderr, "%s: cannot read: %s\n", file, line);
  exit(1);
}

static slice copy(const char *text) {
  char *own = strdup(text);
  return (slice){(const uint8_t *)own, strlen(own)};
}

static int unhex(const char *text, uint8_t *out, size_t length) {
  if (strlen(text) != 2 * length) return 0;
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) return 0;
    out[i] = (uint8_t)byte;
  }
  return 1;
}

static void prepare_key(policy *p, const uint8_t key[32]) {
  uint8_t block[64];
  for (int i = 0; i < 64; i++) block[i] = (i < 32 ? key[i] : 0) ^ 0x36;
  SHA256_Init(&p->inner);
  SHA256_Update(&p->inner, block, sizeof block);
  for (int i = 0; i < 64; i++) block[i] ^= 0x36 ^ 0x5c;
  SHA256_Init(&p->outer);
  SHA256_Update(&p->outer, block, sizeof block);
}

void policy_read(policy *p, const char *file) {
  FILE *f = fopen(file, "r");
  if (!f) give_up(file, "no such file");
  memset(p, 0, sizeof *p);
  char line[1024], a[512], b[512];
  while (fgets(line, sizeof line, f)) {
    uint8_t key[32];
    if (sscanf(line, "key %u %511s", &p->key_id, a) == 2 && unhex(a, key, sizeof key)) {
      prepare_key(p, key);
    } else if (sscanf(line, "route %511s %511s", a, b) == 2 && p->n_routes < MAX_ROUTES
               && unhex(b, p->routes[p->n_routes].tag, TAG_BYTES)) {
      p->routes[p->n_routes++].prefix = copy(a);
    } else if (sscanf(line, "set %511s %511[^\n]", a, b) == 2 && p->n_set < MAX_FIELDS) {
      p->set[p->n_set++] = (field){copy(a), copy(b)};
    } else if (sscanf(line, "remove %511s", a) == 1 && p->n_removed < MAX_FIELDS) {
      p->removed[p->n_removed++] = copy(a);
    } else {
      give_up(file, line);
    }
  }
  fclose(f);
}
