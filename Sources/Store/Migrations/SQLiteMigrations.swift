/// The schema of the SQLite book, as steps: the file's `user_version` says how many have been made.
///
/// A released step is never edited; a change is a new one. Times are milliseconds since 1970, money is
/// 63-bit.
enum SQLiteMigrations {
  /// "Turn" in ASCII, so that tools (and we) know the file:
  /// <https://sqlite.org/pragma.html#pragma_application_id>.
  static let applicationID: Int64 = 0x5475_726E

  static let steps: [[String]] = [Self.first, Self.second, Self.third]

  static let first = [
    """
    CREATE TABLE payments (
      id TEXT NOT NULL PRIMARY KEY,
      method TEXT NOT NULL,
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      value INTEGER NOT NULL,
      unit TEXT NOT NULL,
      counterpart TEXT NOT NULL,
      bought_uses INTEGER,
      bought_ms INTEGER,
      plan BLOB NOT NULL,
      counter_starts TEXT NOT NULL,
      state TEXT NOT NULL
        CHECK (state IN ('reserved', 'settling', 'settled', 'rejected', 'unknown', 'stuck')),
      version INTEGER NOT NULL,
      term INTEGER NOT NULL,
      owner TEXT,
      lease_end INTEGER,
      lease_ms INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      due_at INTEGER,
      rejection TEXT,
      note TEXT,
      serial BLOB,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      CHECK ((state IN ('reserved', 'settling')) = (owner IS NOT NULL)),
      CHECK ((owner IS NULL) = (lease_end IS NULL)),
      CHECK ((state = 'settled') = (serial IS NOT NULL))
    ) STRICT
    """,
    "CREATE INDEX payments_by_state ON payments (state, updated_at)",
    "CREATE INDEX payments_by_change ON payments (updated_at)",
    """
    CREATE TABLE nullifiers (
      nullifier BLOB NOT NULL PRIMARY KEY,
      payment TEXT NOT NULL REFERENCES payments (id) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX nullifiers_by_payment ON nullifiers (payment)",
    "CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE grants (
      serial BLOB NOT NULL PRIMARY KEY,
      payment TEXT NOT NULL UNIQUE REFERENCES payments (id),
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      value INTEGER NOT NULL,
      unit TEXT NOT NULL,
      uses INTEGER,
      uses_taken INTEGER NOT NULL CHECK (uses_taken >= 0 AND (uses IS NULL OR uses_taken <= uses)),
      ends_at INTEGER,
      revoked_at INTEGER,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX grants_by_revocation ON grants (revoked_at) WHERE revoked_at IS NOT NULL",
    """
    CREATE TABLE uses (
      serial BLOB NOT NULL REFERENCES grants (serial),
      number INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('granted', 'delivering', 'spent', 'stuck')),
      attempt INTEGER NOT NULL,
      request TEXT,
      repeats INTEGER NOT NULL,
      owner TEXT NOT NULL,
      lease_end INTEGER NOT NULL,
      taken_at INTEGER NOT NULL,
      redelivered_at INTEGER,
      PRIMARY KEY (serial, number)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX uses_by_request ON uses (serial, request, taken_at) WHERE request IS NOT NULL",
    "CREATE INDEX uses_in_flight ON uses (serial, lease_end) WHERE state = 'delivering'",
    "CREATE INDEX uses_returned ON uses (serial, number) WHERE state = 'granted'",
    "CREATE INDEX uses_redelivered ON uses (redelivered_at) WHERE redelivered_at IS NOT NULL",
    "CREATE INDEX uses_stuck ON uses (taken_at) WHERE state = 'stuck'",
    "CREATE INDEX uses_spent ON uses (taken_at) WHERE state = 'spent' AND redelivered_at IS NULL",
    """
    CREATE TABLE proceeds (
      nullifier BLOB NOT NULL PRIMARY KEY,
      payment TEXT NOT NULL REFERENCES payments (id),
      counterpart TEXT NOT NULL,
      series TEXT NOT NULL,
      value INTEGER NOT NULL,
      unit TEXT NOT NULL,
      bearer BLOB NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX proceeds_by_series ON proceeds (counterpart, series, unit, value)",
    "CREATE TABLE facts (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
  ]
}
