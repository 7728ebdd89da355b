#include "workload_init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: workload-init enter [--group FILE]... [--user N] [--files N] [--data N] [--keep FD]\n"
    "                     [--terminals FOLDER] -- COMMAND...\n"
    "       workload-init serve --deadline FILE [--name TEXT] [--port N] [--ready FD] [--processes N]\n"
    "                     [--connections N] [--logins N] [--per-source N] [--login-time N] -- COMMAND...\n"
    "enter  joins the control groups, becomes the user, keeps the descriptors below FD and runs COMMAND;\n"
    "       with a bounded set of terminals mounted on FOLDER, for COMMAND only\n"
    "serve  is PID 1 of a machine: COMMAND for each connection of descriptor 3 (or of a port), until the\n"
    "       deadline in FILE (seconds since 1970), which may be replaced at any time\n";

int main(int count, char **words) {
  if (count >= 2 && strcmp(words[1], "enter") == 0) enter((struct arguments){words + 2});
  if (count >= 2 && strcmp(words[1], "serve") == 0) serve((struct arguments){words + 2});
  fputs(usage, stderr);
  return 2;
}

bool next_option(struct arguments *arguments, const char **name, const char **value) {
  if (*arguments->next == NULL) return false;
  if (strcmp(*arguments->next, "--") == 0) {
    arguments->next++;
    return false;
  }
  *name = *arguments->next++;
  if (*arguments->next == NULL) {
    errno = EINVAL;
    fail(*name);
  }
  *value = *arguments->next++;
  return true;
}

int64_t number(const char *text, int64_t least, int64_t most) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != 0 || value < least || value > most) {
    errno = EINVAL;
    fail(text);
  }
  return value;
}

void fail(const char *what) {
  fprintf(stderr, "workload-init: %s: %s\n", what, strerror(errno));
  _exit(125);
}
