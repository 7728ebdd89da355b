// Borrowed bytes.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t length;
} slice;

static inline int slice_is(slice s, const char *text, size_t length) {
  return s.length == length && memcmp(s.bytes, text, length) == 0;
}
