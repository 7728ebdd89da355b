// CheckRequest in, CheckResponse out, by protobuf-c with the code that Turnpike itself is built with.
#pragma once
#include "judge.h"

enum { MAX_ANSWER = 2048 };

typedef enum {
  PLAIN, // malloc for every part of a message, answers encoded for each request
  TUNED, // a bump allocator, answers encoded once: what Turnpike does too
} technique;

// Prepares the two answers; exits when an allow is longer than MAX_ANSWER.
void check_prepare(const policy *p, technique how);
// The length of the answer in `out`, or -1 for a message that cannot be read.
long check(const uint8_t *message, size_t length, uint8_t out[MAX_ANSWER]);
