// The bare loop beside Turnpike's claims: a payment and a nullifier in one group-committed SQLite transaction of 256, WAL and
// synchronous=FULL, Turnpike's cache and checkpoints, statements prepared once.
// usage: bare-sqlite FILE CLAIMS      prints claims a second
#include "rows.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec moment;
  clock_gettime(CLOCK_MONOTONIC, &moment);
  return (double)moment.tv_sec + (double)moment.tv_nsec * 1e-9;
}

static sqlite3 *database;

static void must(int result, int wanted) {
  if (result == wanted) return;
  fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(database));
  exit(1);
}

static void run(const char *sql) { must(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK); }

int main(int count, char **words) {
  if (count != 3) return 2;
  int claims = atoi(words[2]);
  must(sqlite3_open(words[1], &database), SQLITE_OK);
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  // As Turnpike's writer has them: without, this loop would be slower for its settings, not for what it does.
  run("PRAGMA wal_autocheckpoint = 4000");
  run("PRAGMA cache_size = -8192");
  run("CREATE TABLE payments (id TEXT NOT NULL PRIMARY KEY, method TEXT NOT NULL, route TEXT NOT NULL, host TEXT NOT NULL,"
      " value INTEGER NOT NULL, unit TEXT NOT NULL, counterpart TEXT NOT NULL, plan BLOB NOT NULL, state TEXT NOT NULL,"
      " version INTEGER NOT NULL, owner TEXT, lease_end INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT");
  run("CREATE INDEX payments_by_state ON payments (state, updated_at)");
  run("CREATE INDEX payments_by_change ON payments (updated_at)");
  run("CREATE TABLE nullifiers (nullifier BLOB NOT NULL PRIMARY KEY, payment TEXT NOT NULL) STRICT, WITHOUT ROWID");
  run("CREATE INDEX nullifiers_by_payment ON nullifiers (payment)");
  sqlite3_stmt *payment, *nullifier;
  must(sqlite3_prepare_v2(database,
         "INSERT INTO payments VALUES (?, 'cashu', '/paid/**', 'example.com', 10, 'sat', 'http://127.0.0.1:3338', ?,"
         " 'reserved', 1, 'owner-00000000', ?, ?, ?)", -1, &payment, NULL), SQLITE_OK);
  must(sqlite3_prepare_v2(database, "INSERT INTO nullifiers VALUES (?, ?)", -1, &nullifier, NULL), SQLITE_OK);
  unsigned char plan[planBytes], bytes[nullifierBytes];
  memset(plan, 'p', sizeof plan);
  memset(bytes, 2, sizeof bytes);
  unsigned long long state = 88172645463325252ull;
  double start = now();
  for (int i = 0; i < claims; i++) {
    if (i % groupRows == 0) run("BEGIN IMMEDIATE");
    char id[33];
    // Identities are hashes: random, as far as an index can tell.
    for (int part = 0; part < 2; part++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      snprintf(id + 16 * part, 17, "%016llx", state);
      memcpy(bytes + 1 + 8 * part, &state, 8);
    }
    sqlite3_bind_text(payment, 1, id, 32, SQLITE_STATIC);
    sqlite3_bind_blob(payment, 2, plan, sizeof plan, SQLITE_STATIC);
    for (int column = 3; column <= 5; column++) sqlite3_bind_int64(payment, column, 1795000000000 + i);
    must(sqlite3_step(payment), SQLITE_DONE);
    sqlite3_reset(payment);
    sqlite3_bind_blob(nullifier, 1, bytes, sizeof bytes, SQLITE_STATIC);
    sqlite3_bind_text(nullifier, 2, id, 32, SQLITE_STATIC);
    must(sqlite3_step(nullifier), SQLITE_DONE);
    sqlite3_reset(nullifier);
    if (i % groupRows == groupRows - 1 || i == claims - 1) run("COMMIT");
  }
  printf("%.0f\n", claims / (now() - start));
  return 0;
}
