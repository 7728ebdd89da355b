// From the service to the sandbox: what only the service may do, done before anything of the machine runs.
#define _GNU_SOURCE
#include "workload_init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void join(const char *group) {
  int file = open(group, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, "0", 1) != 1) fail(group);
  close(file);
}

static void limit(int what, const char *text) {
  rlim_t value = (rlim_t)number(text, 0, INT64_MAX);
  struct rlimit both = {value, value};
  if (setrlimit(what, &both) != 0) fail("setrlimit");
}

// The kernel counts terminals for the whole host: without a bound of its own, one machine could take those of
// all others. The mount is seen here and below only, and goes with the last process of the machine.
static void mount_terminals(const char *folder) {
  if (unshare(CLONE_NEWNS) != 0) fail("unshare");
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("make mounts our own");
  const char *options = "newinstance,ptmxmode=0666,mode=0620,max=64";
  if (mount("devpts", folder, "devpts", MS_NOSUID | MS_NOEXEC, options) != 0) fail("mount devpts");
}

static void become(uid_t user) {
  // What a root service holds as inheritable would come back to life in a program with file capabilities.
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) != 0) fail("capget");
  sets[0].inheritable = sets[1].inheritable = 0;
  if (syscall(SYS_capset, &header, sets) != 0) fail("capset");
  if (setgroups(0, NULL) != 0) fail("setgroups");
  if (setresgid(user, user, user) != 0) fail("setresgid");
  if (setresuid(user, user, user) != 0) fail("setresuid");
}

void enter(struct arguments arguments) {
  const char *name, *value;
  int64_t user = -1, keep = 3;
  while (next_option(&arguments, &name, &value)) {
    if (strcmp(name, "--group") == 0) join(value);
    else if (strcmp(name, "--user") == 0) user = number(value, 1, INT32_MAX);
    else if (strcmp(name, "--files") == 0) limit(RLIMIT_NOFILE, value);
    else if (strcmp(name, "--data") == 0) limit(RLIMIT_DATA, value);
    else if (strcmp(name, "--terminals") == 0) mount_terminals(value);
    else if (strcmp(name, "--keep") == 0) keep = number(value, 3, 1024);
    else errno = EINVAL, fail(name);
  }
  if (*arguments.next == NULL) errno = EINVAL, fail("no command");

  // No descriptor of the service may reach the machine, whoever opened it and however.
  if (syscall(SYS_close_range, (unsigned)keep, ~0u, 0) != 0) fail("close_range");
  limit(RLIMIT_CORE, "0");
  // PID 1 is asked by nobody but the clock: all that the machine runs must not make it late. A plain user cannot.
  setpriority(PRIO_PROCESS, 0, -10);
  for (int each = 1; each < NSIG; each++) signal(each, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  umask(022);
  setsid();
  if (chdir("/") != 0) fail("chdir");
  if (user > 0) become((uid_t)user);
  execv(*arguments.next, arguments.next);
  fail(*arguments.next);
}
