// PID 1 of a machine: owns its listening socket and its end. When it goes, the kernel kills all that is left
// in its PID namespace, so the machine ends on time though nobody outside is alive to end it.
#define _GNU_SOURCE
#include "workload_init.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARNING_MS (5 * 60 * 1000)

struct server {
  const char *deadline_path;
  char **command;
  int listener, signals, watch, alarm;
  int64_t end;      // milliseconds since 1970
  int64_t warned;   // the end that the terminals were warned of; 0: none
  struct connections connections;
};

static int64_t now_on(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t monotonic(void) { return now_on(CLOCK_MONOTONIC); }

static const char *time_of_day(int64_t milliseconds) {
  static char text[32];
  time_t seconds = milliseconds / 1000;
  struct tm parts;
  gmtime_r(&seconds, &parts);
  strftime(text, sizeof text, "%H:%M UTC", &parts);
  return text;
}

// The end ---------------------------------------------------------------------------------------

_Noreturn static void end_machine(void) {
  tell_everyone("\r\n*** The time of this machine is over. ***\r\n");
  // The line still has to go through sshd to whoever reads it.
  nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
  _exit(0);
}

// A file that cannot be read leaves the end as it was: nobody may lose his machine to a full disk.
static void read_deadline(struct server *server) {
  int64_t end = deadline_read(server->deadline_path);
  if (end < 0 || end == server->end) return;
  if (server->warned != 0 && end > server->end && end - now_on(CLOCK_REALTIME) > WARNING_MS) {
    tell_everyone("\r\n*** Extended: this machine now ends at %s. ***\r\n", time_of_day(end));
  }
  server->end = end;
}

static void keep_time(struct server *server) {
  int64_t left = server->end - now_on(CLOCK_REALTIME);
  if (left <= 0) end_machine();
  if (left <= WARNING_MS && server->warned != server->end) {
    int minutes = (int)((left + 59999) / 60000);
    tell_everyone("\r\n\a*** This machine ends in %d minute%s, at %s. Pay again to keep it. ***\r\n", minutes,
                  minutes == 1 ? "" : "s", time_of_day(server->end));
    server->warned = server->end;
  }
  deadline_set_alarm(server->alarm, server->warned == server->end ? server->end : server->end - WARNING_MS);
}

// Connections -----------------------------------------------------------------------------------

static void start(struct server *server, int socket, struct source source) {
  int on = 1;
  // Without it each small packet of a login waits for an acknowledgement: 45 ms in all.
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  struct connections *connections = &server->connections;
  int place = connections_place(connections);
  if (place < 0) return;
  connections->logged_in[place] = false;
  pid_t child = fork();
  if (child == 0) {
    const int ours[] = {server->listener, server->signals, server->watch, server->alarm};
    for (int i = 0; i < 4; i++) close(ours[i]);
    relay(socket, server->command, &connections->logged_in[place]);
  }
  if (child > 0) connections->all[place] = (struct connection){child, source, monotonic()};
}

static void accept_waiting(struct server *server) {
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    int socket = accept4(server->listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
    if (socket < 0) return;
    struct source source = source_of(&peer);
    pid_t displaced = 0;
    if (connections_admit(&server->connections, source, monotonic(), &displaced)) {
      if (displaced > 0) kill(displaced, SIGKILL);
      start(server, socket, source);
    }
    close(socket);
  }
}

static void take_signals(struct server *server) {
  struct signalfd_siginfo signal;
  // The machine's processes can send them as fast as they are read: the clock is looked at between.
  for (int i = 0; i < 64 && read(server->signals, &signal, sizeof signal) == sizeof signal; i++) {
    // A sender outside has no number in here; the machine's own processes may not end it, nor a file of theirs.
    if (signal.ssi_signo == SIGTERM && signal.ssi_code == SI_USER && signal.ssi_pid == 0) _exit(0);
  }
  pid_t child;
  while ((child = waitpid(-1, NULL, WNOHANG)) > 0) connections_ended(&server->connections, child);
}

// Start -----------------------------------------------------------------------------------------

static int listen_on(uint16_t port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
  int on = 1, off = 0, listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener >= 0) {
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  } else {
    struct sockaddr_in older = {.sin_family = AF_INET, .sin_port = htons(port)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener < 0 || bind(listener, (struct sockaddr *)&older, sizeof older) != 0) fail("bind");
  }
  if (listen(listener, 64) != 0) fail("listen");
  return listener;
}

static void prepare(struct server *server, rlim_t processes) {
  // The machine's user is ours too: without this he could trace us, or take the listening socket out of us.
  if (prctl(PR_SET_DUMPABLE, 0) != 0) fail("PR_SET_DUMPABLE");
  // In here and not outside: outside it would count all that its host user runs, other machines among it.
  struct rlimit limit = {processes, processes};
  if (processes > 0 && setrlimit(RLIMIT_NPROC, &limit) != 0) fail("RLIMIT_NPROC");

  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGCHLD);
  sigaddset(&taken, SIGTERM);
  sigprocmask(SIG_BLOCK, &taken, NULL);
  server->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
  server->alarm = deadline_alarm();
  if (server->signals < 0 || server->alarm < 0) fail("no descriptor");
  void *shared = mmap(NULL, MAX_CONNECTIONS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  server->connections.logged_in = shared;
  // Before the first look, so that no change falls between.
  server->watch = deadline_watch(server->deadline_path);
  server->end = deadline_read(server->deadline_path);
  if (server->end < 0) errno = EINVAL, fail(server->deadline_path);
  // Ours, not the tenant's: the socket, and what others outside hold on to until we end.
  for (int each = 3; each < 16; each++) fcntl(each, F_SETFD, FD_CLOEXEC);
  if (fcntl(server->listener, F_SETFL, O_NONBLOCK) != 0) fail("no listening socket");
}

static void run(struct server *server) {
  for (;;) {
    keep_time(server);
    struct pollfd ready[] = {
        {server->signals, POLLIN, 0},
        {server->listener, POLLIN, 0},
        {server->watch, POLLIN, 0},
        {server->alarm, POLLIN, 0},
    };
    if (poll(ready, 4, server->watch < 0 ? 1000 : -1) < 0 && errno != EINTR) fail("poll");
    char drained[4096];
    if (ready[3].revents) while (read(server->alarm, drained, sizeof drained) > 0) {}
    if (ready[2].revents) while (read(server->watch, drained, sizeof drained) > 0) {}
    if (ready[2].revents || server->watch < 0) read_deadline(server);
    if (ready[0].revents) take_signals(server);
    if (ready[1].revents) accept_waiting(server);
  }
}

void serve(struct arguments arguments) {
  struct server server = {
      .listener = 3,
      .connections = {.most = 32, .most_logins = 16, .most_per_source = 4, .login_time = 45000},
  };
  int64_t processes = 0, ready = -1;
  const char *name, *value;
  while (next_option(&arguments, &name, &value)) {
    struct connections *connections = &server.connections;
    if (strcmp(name, "--deadline") == 0) server.deadline_path = value;
    else if (strcmp(name, "--name") == 0) continue;  // for whoever looks for us in a list of processes
    else if (strcmp(name, "--port") == 0) server.listener = listen_on((uint16_t)number(value, 1, 65535));
    else if (strcmp(name, "--ready") == 0) ready = number(value, 3, 1024);
    else if (strcmp(name, "--processes") == 0) processes = number(value, 1, INT32_MAX);
    else if (strcmp(name, "--connections") == 0) connections->most = number(value, 1, MAX_CONNECTIONS);
    else if (strcmp(name, "--logins") == 0) connections->most_logins = number(value, 1, MAX_CONNECTIONS);
    else if (strcmp(name, "--per-source") == 0) connections->most_per_source = number(value, 1, 256);
    else if (strcmp(name, "--login-time") == 0) connections->login_time = number(value, 1, 3600) * 1000;
    else errno = EINVAL, fail(name);
  }
  server.command = arguments.next;
  errno = EINVAL;
  if (server.deadline_path == NULL) fail("--deadline");
  if (*server.command == NULL) fail("no command");

  prepare(&server, (rlim_t)processes);
  if (ready >= 0) {
    if (write((int)ready, "+", 1) != 1) fail("nobody waits for us");
    close((int)ready);
  }
  run(&server);
  _exit(1);
}
