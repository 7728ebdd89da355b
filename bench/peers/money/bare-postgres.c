// The bare loop beside Turnpike's claims on PostgreSQL: a payment and a nullifier in one transaction of 256, prepared
// statements, libpq's pipeline mode, synchronous_commit on.
// usage: bare-postgres CONNINFO CLAIMS      prints claims a second; makes and drops a schema of its own
#include "rows.h"
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec moment;
  clock_gettime(CLOCK_MONOTONIC, &moment);
  return (double)moment.tv_sec + (double)moment.tv_nsec * 1e-9;
}

static PGconn *connection;

static void fail(void) {
  fprintf(stderr, "postgres: %s\n", PQerrorMessage(connection));
  exit(1);
}

static void run(const char *sql) {
  PGresult *result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) fail();
  PQclear(result);
}

static void send(const char *name, int count, const char *const *values, const int *lengths, const int *formats) {
  if (!PQsendQueryPrepared(connection, name, count, values, lengths, formats, 0)) fail();
}

/// Reads every answer up to the next synchronisation point.
static void drain(void) {
  if (!PQpipelineSync(connection)) fail();
  for (;;) {
    PGresult *result = PQgetResult(connection);
    if (!result) continue;
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status == PGRES_PIPELINE_SYNC) return;
    if (status != PGRES_COMMAND_OK) fail();
  }
}

int main(int count, char **words) {
  if (count != 3) return 2;
  int claims = atoi(words[2]);
  connection = PQconnectdb(words[1]);
  if (PQstatus(connection) != CONNECTION_OK) fail();
  run("CREATE SCHEMA bare");
  run("SET search_path TO bare");
  run("CREATE TABLE payments (id text PRIMARY KEY, method text NOT NULL, route text NOT NULL, host text NOT NULL,"
      " value bigint NOT NULL, unit text NOT NULL, counterpart text NOT NULL, plan bytea NOT NULL, state text NOT NULL,"
      " version bigint NOT NULL, owner text, lease_end bigint, created_at bigint NOT NULL, updated_at bigint NOT NULL)");
  run("CREATE INDEX payments_by_state ON payments (state, updated_at)");
  run("CREATE INDEX payments_by_change ON payments (updated_at)");
  run("CREATE TABLE nullifiers (nullifier bytea PRIMARY KEY, payment text NOT NULL)");
  run("CREATE INDEX nullifiers_by_payment ON nullifiers (payment)");
  run("PREPARE payment (text, bytea, bigint) AS INSERT INTO payments VALUES ($1, 'cashu', '/paid/**', 'example.com', 10,"
      " 'sat', 'http://127.0.0.1:3338', $2, 'reserved', 1, 'owner-00000000', $3, $3, $3)");
  run("PREPARE nullifier (bytea, text) AS INSERT INTO nullifiers VALUES ($1, $2)");
  unsigned char plan[planBytes], bytes[nullifierBytes];
  memset(plan, 'p', sizeof plan);
  memset(bytes, 2, sizeof bytes);
  unsigned long long state = 88172645463325252ull;
  if (!PQenterPipelineMode(connection)) fail();
  double start = now();
  for (int i = 0; i < claims; i++) {
    if (i % groupRows == 0 && !PQsendQueryParams(connection, "BEGIN", 0, NULL, NULL, NULL, NULL, 0)) fail();
    char id[33], moment[24];
    for (int part = 0; part < 2; part++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      snprintf(id + 16 * part, 17, "%016llx", state);
      memcpy(bytes + 1 + 8 * part, &state, 8);
    }
    snprintf(moment, sizeof moment, "%lld", 1795000000000ll + i);
    const char *paymentValues[] = {id, (char *)plan, moment};
    const int paymentLengths[] = {32, sizeof plan, 0}, paymentFormats[] = {0, 1, 0};
    send("payment", 3, paymentValues, paymentLengths, paymentFormats);
    const char *nullifierValues[] = {(char *)bytes, id};
    const int nullifierLengths[] = {sizeof bytes, 32}, nullifierFormats[] = {1, 0};
    send("nullifier", 2, nullifierValues, nullifierLengths, nullifierFormats);
    if (i % groupRows == groupRows - 1 || i == claims - 1) {
      if (!PQsendQueryParams(connection, "COMMIT", 0, NULL, NULL, NULL, NULL, 0)) fail();
      drain();
    }
  }
  double seconds = now() - start;
  if (!PQexitPipelineMode(connection)) fail();
  run("DROP SCHEMA bare CASCADE");
  printf("%.0f\n", claims / seconds);
  return 0;
}
