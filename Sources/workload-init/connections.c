#include "workload_init.h"

#include <string.h>

struct source source_of(const struct sockaddr_storage *peer) {
  struct source source = {.family = peer->ss_family};
  if (peer->ss_family == AF_INET) {
    memcpy(source.prefix, &((const struct sockaddr_in *)peer)->sin_addr, 4);
  } else if (peer->ss_family == AF_INET6) {
    const struct in6_addr *address = &((const struct sockaddr_in6 *)peer)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(address)) {
      source.family = AF_INET;
      memcpy(source.prefix, address->s6_addr + 12, 4);
    } else {
      memcpy(source.prefix, address, 8);
    }
  }
  return source;
}

static bool same(struct source a, struct source b) {
  return a.family == b.family && memcmp(a.prefix, b.prefix, sizeof a.prefix) == 0;
}

// Started per connection, sshd knows nothing of the others: its MaxStartups is ours to keep. A connection
// that outlives the login time has logged in, so only the young ones count against their source.
bool connections_admit(const struct connections *connections, struct source source, int64_t now) {
  int live = 0, logins = 0, from_there = 0;
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    const struct connection *each = &connections->all[i];
    if (each->child == 0) continue;
    live++;
    if (now - each->since >= connections->login_time) continue;
    logins++;
    if (same(each->source, source)) from_there++;
  }
  return live < connections->most && logins < connections->most_logins &&
         from_there < connections->most_per_source;
}

void connections_add(struct connections *connections, struct source source, int64_t now, pid_t child) {
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    if (connections->all[i].child != 0) continue;
    connections->all[i] = (struct connection){child, source, now};
    return;
  }
}

void connections_ended(struct connections *connections, pid_t child) {
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    if (connections->all[i].child == child) connections->all[i].child = 0;
  }
}
