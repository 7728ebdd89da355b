// What the C library of an older distribution has no function for, and what Swift cannot import.
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// A descriptor of a process that names it, and no later one of the same number; -1 with errno.
static inline int linux_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// 0, or -1 with errno.
static inline int linux_pidfd_kill(int process) {
  return (int)syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
}
