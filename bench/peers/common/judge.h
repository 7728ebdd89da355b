// The checks that every peer makes, in the order in which Turnpike makes them.
#pragma once
#include "policy.h"

typedef enum {
  VALID = 0,
  BAD_PATH,
  BAD_HOST,
  BAD_HEADERS,
  NO_ROUTE,
  NO_PASS,
  TWO_PASSES,
  FORGED,
  OTHER_ROUTE,
  EXPIRED,
} verdict;

// What a request says; `passes` counts its turnpike-pass fields, `pass` is the last of them.
typedef struct {
  slice path, host, pass;
  unsigned passes;
} question;

#ifdef __cplusplus
extern "C" {
#endif
verdict judge(const policy *p, const question *q);
#ifdef __cplusplus
}
#endif
