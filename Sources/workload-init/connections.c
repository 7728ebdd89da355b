#include "workload_init.h"

#include <stddef.h>
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

static bool is_login(const struct connections *connections, const struct connection *each, int64_t now) {
  return each->child != 0 && !connections->logged_in[each - connections->all] &&
         now - each->since < connections->login_time;
}

static int logins_from(const struct connections *connections, struct source source, int64_t now) {
  int count = 0;
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    const struct connection *each = &connections->all[i];
    if (is_login(connections, each, now) && same(each->source, source)) count++;
  }
  return count;
}

// The oldest login of the source that has most of them: whoever fills the room makes the room.
static struct connection *worst_login(struct connections *connections, int64_t now) {
  struct connection *worst = NULL;
  int most = 0;
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    struct connection *each = &connections->all[i];
    if (!is_login(connections, each, now)) continue;
    int count = logins_from(connections, each->source, now);
    if (worst != NULL && (count < most || (count == most && each->since >= worst->since))) continue;
    worst = each;
    most = count;
  }
  return worst;
}

// Started per connection, sshd knows nothing of the others: its MaxStartups is ours to keep. Only those that have not
// logged in count against their source, and only they are displaced: better so than that strangers keep the owner out.
bool connections_admit(struct connections *connections, struct source source, int64_t now, pid_t *displaced) {
  int live = 0, logins = 0;
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    if (connections->all[i].child != 0) live++;
    if (is_login(connections, &connections->all[i], now)) logins++;
  }
  if (live >= connections->most) return false;
  if (logins_from(connections, source, now) >= connections->most_per_source) return false;
  if (logins >= connections->most_logins) {
    struct connection *worst = worst_login(connections, now);
    if (worst != NULL) {
      *displaced = worst->child;
      worst->child = 0;
    }
  }
  return true;
}

int connections_place(const struct connections *connections) {
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    if (connections->all[i].child == 0) return i;
  }
  return -1;
}

void connections_ended(struct connections *connections, pid_t child) {
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    if (connections->all[i].child == child) connections->all[i].child = 0;
  }
}
