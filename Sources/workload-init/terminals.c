#define _GNU_SOURCE
#include "workload_init.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_TERMINALS 256

void tell_everyone(const char *format, ...) {
  char line[256], path[64];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (length <= 0 || length >= (int)sizeof line) return;

  DIR *folder = opendir("/dev/pts");
  if (folder == NULL) return;
  struct dirent *entry;
  for (int told = 0; told < MAX_TERMINALS && (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/dev/pts/%.16s", entry->d_name);
    // Not blocking: a terminal that its owner has stopped would stop us, and with us the deadline.
    int terminal = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (terminal < 0) continue;
    told++;
    if (write(terminal, line, (size_t)length) < 0) { /* left out */
    }
    close(terminal);
  }
  closedir(folder);
}
