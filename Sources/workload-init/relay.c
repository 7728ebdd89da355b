// Between a connection and its sshd. The connection's socket belongs to the host's network, whatever network the machine
// is in: whoever had it could connect it anew, or listen with it. So no process of the machine's user gets it, only this
// one, which like PID 1 cannot be traced; sshd has one end of a pair that leads nowhere else.
#define _GNU_SOURCE
#include "workload_init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// How often sshd is asked whether somebody has logged in.
#define LOOK_MS 200
// What sshd said last has so long to be taken: with its time for a login, less than `--login-time`.
#define FLUSH_MS 20000

struct way {
  int from, to;
  size_t start, end;  // what waits in `bytes`
  bool ended;         // nothing more comes
  char bytes[32 * 1024];
};

// What sshd reports would fill a file on the host, as fast as whoever connects makes it report.
static void silence(void) {
  struct stat log;
  if (fstat(2, &log) == 0 && S_ISREG(log.st_mode)) {
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, 2) < 0) close(2);
  }
}

static size_t read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, size - 1);
  close(file);
  if (length < 0) length = 0;
  text[length] = 0;
  return (size_t)length;
}

static bool is_session(long process) {
  char path[64], title[256];
  snprintf(path, sizeof path, "/proc/%ld/cmdline", process);
  size_t length = read_text(path, title, sizeof title);
  return memchr(title, '@', length) != NULL;
}

// Who has logged in stands in the title of sshd, or of the one that it has started for him, as `sshd: dev@pts/0`: no
// stranger gets that far.
static bool has_login(pid_t sshd) {
  if (is_session(sshd)) return true;
  char path[64], children[256];
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)sshd, (long)sshd);
  read_text(path, children, sizeof children);
  for (char *next = children, *end;; next = end) {
    long child = strtol(next, &end, 10);
    if (end == next) return false;
    if (is_session(child)) return true;
  }
}

static pid_t start(char **command, int own, int other) {
  pid_t child = fork();
  if (child < 0) _exit(1);
  if (child > 0) return child;
  setsid();
  dup2(other, 0);
  dup2(other, 1);
  close(own);
  silence();
  execv(command[0], command);
  _exit(127);
}

// Takes what comes where nothing waits, and sends what waits; false when this way is of no more use.
static bool move(struct way *way, short from, short to) {
  if (from != 0 && way->start == way->end && !way->ended) {
    ssize_t length = recv(way->from, way->bytes, sizeof way->bytes, 0);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    way->start = 0;
    way->end = (size_t)length;
    way->ended = length == 0;
    if (way->ended) shutdown(way->to, SHUT_WR);
    to = POLLOUT;
  }
  if (to != 0 && way->start < way->end) {
    ssize_t length = send(way->to, way->bytes + way->start, way->end - way->start, MSG_NOSIGNAL);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    way->start += (size_t)length;
  }
  return true;
}

void relay(int connection, char **command, volatile bool *logged_in) {
  static struct way in, out;
  int pair[2];
  int64_t flushed = INT64_MAX;  // when sshd is gone: until when what it said may wait
  int64_t looked = 0;           // when it was last seen that nobody has logged in
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // PID 1 comes first, so that it is never late; this is the machine's own work.
  setpriority(PRIO_PROCESS, 0, 0);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(1);
  pid_t sshd = start(command, pair[0], pair[1]);
  close(pair[1]);
  fcntl(connection, F_SETFL, O_NONBLOCK);
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  in.from = out.to = connection;
  in.to = out.from = pair[0];

  while (!out.ended) {
    struct pollfd ready[2] = {{connection, 0, 0}, {pair[0], 0, 0}};
    if (in.start == in.end && !in.ended) ready[0].events |= POLLIN;
    if (in.start < in.end) ready[1].events |= POLLOUT;
    if (out.start == out.end) ready[1].events |= POLLIN;
    if (out.start < out.end) ready[0].events |= POLLOUT;
    // A side of which nothing is wanted would report its end again and again; that of sshd is heard once, or whoever
    // reads nothing would keep a place that sshd has left.
    if (ready[0].events == 0) ready[0].fd = -1;
    if (ready[1].events == 0 && flushed != INT64_MAX) ready[1].fd = -1;
    int64_t now = monotonic();
    if (now >= flushed) break;
    int wait = flushed != INT64_MAX ? (int)(flushed - now) : *logged_in ? -1 : LOOK_MS;
    if (poll(ready, 2, wait) < 0 && errno != EINTR) break;
    if (ready[1].revents & (POLLHUP | POLLERR) && flushed == INT64_MAX) flushed = now + FLUSH_MS;
    // Not for each packet: a tunnel without a session never gets a title.
    if (!*logged_in && flushed == INT64_MAX && now - looked >= LOOK_MS) {
      *logged_in = has_login(sshd);
      looked = now;
    }
    if (!in.ended && !move(&in, ready[0].revents & ~POLLOUT, ready[1].revents & ~POLLIN)) {
      // What sshd still has to say goes out all the same.
      in.start = in.end;
      in.ended = true;
      shutdown(in.to, SHUT_WR);
      if (flushed == INT64_MAX) flushed = now + FLUSH_MS;
    }
    if (!move(&out, ready[1].revents & ~POLLOUT, ready[0].revents & ~POLLIN)) break;
  }
  _exit(0);
}
