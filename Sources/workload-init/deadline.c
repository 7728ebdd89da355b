#define _GNU_SOURCE
#include "workload_init.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

// `1790000000` or `1790000000.250`, and at most a newline after it.
static int64_t parse(const char *text) {
  int64_t value = 0;
  int digits = 0, decimals = 0;
  for (; *text >= '0' && *text <= '9' && digits < 12; text++, digits++) value = value * 10 + (*text - '0');
  if (digits == 0) return -1;
  if (*text == '.') {
    for (text++; *text >= '0' && *text <= '9' && decimals < 3; text++, decimals++) {
      value = value * 10 + (*text - '0');
    }
  }
  for (; decimals < 3; decimals++) value *= 10;
  if (*text == '\n') text++;
  return *text == 0 ? value : -1;
}

int64_t deadline_read(const char *path) {
  char text[64];
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length < 0) return -1;
  text[length] = 0;
  return parse(text);
}

// Watches the folder: the file is replaced by renaming, and by the kubelet through a link beside it.
int deadline_watch(const char *path) {
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return -1;
  strcpy(copy, path);
  int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watch < 0) return -1;
  if (inotify_add_watch(watch, dirname(copy), IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE) < 0) {
    close(watch);
    return -1;
  }
  return watch;
}

int deadline_alarm(void) { return timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK); }

void deadline_set_alarm(int alarm, int64_t milliseconds) {
  struct itimerspec at = {.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000}};
  // Without CANCEL_ON_SET a clock that jumps ahead would leave the machine running past its end.
  timerfd_settime(alarm, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}
