// The small program under every machine: `enter` starts its sandbox, `serve` is PID 1 inside it.
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// main.c ----------------------------------------------------------------------------------------

// The next `--name value` of an argument list; false at `--` or the end.
struct arguments {
  char **next;
};
bool next_option(struct arguments *arguments, const char **name, const char **value);
// The number in `text`; ends the process with a sentence for anything else.
int64_t number(const char *text, int64_t least, int64_t most);
_Noreturn void fail(const char *what);
// CLOCK_MONOTONIC, milliseconds
int64_t monotonic(void);

// launch.c --------------------------------------------------------------------------------------

_Noreturn void enter(struct arguments arguments);

// serve.c ---------------------------------------------------------------------------------------

_Noreturn void serve(struct arguments arguments);

// connections.c ---------------------------------------------------------------------------------

#define MAX_CONNECTIONS 256

// An IPv4 address or the /64 of an IPv6 one: what one person has.
struct source {
  sa_family_t family;
  unsigned char prefix[8];
};
struct source source_of(const struct sockaddr_storage *peer);

struct connection {
  pid_t child;  // 0: free
  struct source source;
  int64_t since;  // monotonic
};

struct connections {
  struct connection all[MAX_CONNECTIONS];
  int most;             // at once
  int most_logins;      // of them those nobody has logged in by yet; the next displaces one
  int most_per_source;  // of those, from one source
  int64_t login_time;   // milliseconds; what is older has logged in
  // Written by the relays, each its own place.
  volatile bool *logged_in;
};
// Whether one more from there is welcome now; `displaced` is the child whose login ends for it, if one does.
bool connections_admit(struct connections *connections, struct source source, int64_t now, pid_t *displaced);
// The number of a free place, which is kept by giving it a child; -1: none.
int connections_place(const struct connections *connections);
void connections_ended(struct connections *connections, pid_t child);

// relay.c ---------------------------------------------------------------------------------------

// Runs the command for a connection and carries bytes between the two until one of them ends; says when somebody has
// logged in.
_Noreturn void relay(int connection, char **command, volatile bool *logged_in);

// deadline.c ------------------------------------------------------------------------------------

// Milliseconds since 1970, or -1 for a file that holds no time.
int64_t deadline_read(const char *path);
// A descriptor that is readable when the file may have changed, or -1: look again every second then.
int deadline_watch(const char *path);
// A descriptor that is readable at the next set moment, and when somebody sets the wall clock.
int deadline_alarm(void);
void deadline_set_alarm(int alarm, int64_t milliseconds);

// terminals.c -----------------------------------------------------------------------------------

// Writes a line on every terminal of the machine; one that does not take it now is left out.
void tell_everyone(const char *format, ...) __attribute__((format(printf, 1, 2)));
