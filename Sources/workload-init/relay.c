// Between a connection and its sshd. The connection's socket belongs to the host's network, whatever network the machine
// is in: whoever had it could connect it anew, or listen with it. So no process of the machine's user gets it, only this
// one, which like PID 1 cannot be traced; sshd has one end of a pair that leads nowhere else.
#define _GNU_SOURCE
#include "workload_init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void start(char **command, int own, int other) {
  pid_t child = fork();
  if (child < 0) _exit(1);
  if (child > 0) return;
  setsid();
  dup2(other, 0);
  dup2(other, 1);
  close(own);
  silence();
  execv(command[0], command);
  _exit(127);
}

// Takes what comes where nothing waits, and sends what waits; false when the connection is of no more use.
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

void relay(int connection, char **command) {
  static struct way in, out;
  int pair[2];
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // PID 1 comes first, so that it is never late; this is the machine's own work.
  setpriority(PRIO_PROCESS, 0, 0);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(1);
  start(command, pair[0], pair[1]);
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
    // A side of which nothing is wanted would report its end again and again.
    for (int i = 0; i < 2; i++) {
      if (ready[i].events == 0) ready[i].fd = -1;
    }
    if (poll(ready, 2, -1) < 0 && errno != EINTR) break;
    if (!move(&in, ready[0].revents & ~POLLOUT, ready[1].revents & ~POLLIN)) break;
    if (!move(&out, ready[1].revents & ~POLLOUT, ready[0].revents & ~POLLIN)) break;
  }
  _exit(0);
}
