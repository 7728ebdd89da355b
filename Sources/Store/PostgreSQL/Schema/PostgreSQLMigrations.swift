/// The schema of the PostgreSQL book, as steps; `turnpike_schema` holds those that have been made.
///
/// A released step is never edited; a change is a new one. Times are milliseconds since 1970, money is
/// 63-bit.
enum PostgreSQLMigrations {
  static let steps: [[String]] = [Self.first, Self.second]

  private static let first = [
    """
    CREATE TABLE payments (
      id TEXT NOT NULL PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('payment', 'redemption', 'export', 'melt')),
      method TEXT NOT NULL,
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      value BIGINT NOT NULL,
      unit TEXT NOT NULL,
      counterpart TEXT NOT NULL,
      bought_uses BIGINT,
      bought_ms BIGINT,
      onto BYTEA,
      bearing TEXT NOT NULL CHECK (bearing IN ('payload', 'secret', 'first')),
      bearing_hash BYTEA,
      payer TEXT,
      name BYTEA,
      plan BYTEA NOT NULL,
      counter_starts TEXT NOT NULL,
      state TEXT NOT NULL
        CHECK (state IN ('reserved', 'settling', 'accepted', 'settled', 'rejected', 'unknown', 'stuck')),
      version BIGINT NOT NULL,
      term BIGINT NOT NULL,
      owner TEXT,
      lease_end BIGINT,
      lease_ms BIGINT NOT NULL,
      attempts BIGINT NOT NULL,
      due_at BIGINT,
      rejection TEXT,
      note TEXT,
      serial BYTEA,
      receipt TEXT,
      fee BIGINT NOT NULL,
      outflow BIGINT NOT NULL,
      redemption TEXT,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL,
      CHECK ((state IN ('reserved', 'settling')) = (owner IS NOT NULL)),
      CHECK ((owner IS NULL) = (lease_end IS NULL)),
      CHECK ((bearing = 'secret') = (bearing_hash IS NOT NULL)),
      CHECK (serial IS NULL OR (kind = 'payment' AND state IN ('accepted', 'settled', 'stuck'))),
      CHECK (serial IS NOT NULL OR state <> 'accepted'),
      CHECK (serial IS NOT NULL OR state <> 'settled' OR kind <> 'payment'),
      CHECK (redemption IS NULL OR (kind = 'payment' AND state IN ('accepted', 'settled')))
    )
    """,
    "CREATE INDEX payments_by_state ON payments (state, updated_at)",
    "CREATE INDEX payments_by_change ON payments (updated_at)",
    "CREATE UNIQUE INDEX payments_by_name ON payments (name) WHERE name IS NOT NULL",
    "CREATE INDEX payments_on_trust ON payments (created_at) WHERE state = 'accepted' AND redemption IS NULL",
    "CREATE INDEX payments_by_redemption ON payments (redemption) WHERE redemption IS NOT NULL",
    """
    CREATE TABLE nullifiers (
      nullifier BYTEA NOT NULL PRIMARY KEY,
      payment TEXT NOT NULL REFERENCES payments (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX nullifiers_by_payment ON nullifiers (payment)",
    "CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, next BIGINT NOT NULL)",
    """
    CREATE TABLE grants (
      serial BYTEA NOT NULL PRIMARY KEY,
      payment TEXT NOT NULL UNIQUE REFERENCES payments (id),
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      value BIGINT NOT NULL,
      unit TEXT NOT NULL,
      uses BIGINT,
      uses_taken BIGINT NOT NULL,
      ends_at BIGINT,
      revoked_at BIGINT,
      payer TEXT,
      receipt TEXT,
      uses_forgotten BIGINT NOT NULL DEFAULT 0,
      created_at BIGINT NOT NULL,
      CHECK (uses_taken >= 0 AND (uses IS NULL OR uses_taken <= uses))
    )
    """,
    "CREATE INDEX grants_by_revocation ON grants (revoked_at) WHERE revoked_at IS NOT NULL",
    """
    CREATE TABLE uses (
      serial BYTEA NOT NULL REFERENCES grants (serial),
      number BIGINT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('granted', 'delivering', 'spent', 'stuck')),
      attempt BIGINT NOT NULL,
      request TEXT,
      repeats BIGINT NOT NULL,
      owner TEXT NOT NULL,
      lease_end BIGINT NOT NULL,
      taken_at BIGINT NOT NULL,
      redelivered_at BIGINT,
      PRIMARY KEY (serial, number)
    )
    """,
    // Of a grant of a million uses the few open ones must be found without reading the spent ones.
    "CREATE INDEX uses_by_request ON uses (serial, request, taken_at) WHERE request IS NOT NULL",
    "CREATE INDEX uses_in_flight ON uses (serial, lease_end) WHERE state = 'delivering'",
    "CREATE INDEX uses_returned ON uses (serial, number) WHERE state = 'granted'",
    "CREATE INDEX uses_redelivered ON uses (redelivered_at) WHERE redelivered_at IS NOT NULL",
    "CREATE INDEX uses_stuck ON uses (taken_at) WHERE state = 'stuck'",
    "CREATE INDEX uses_spent ON uses (taken_at) WHERE state = 'spent' AND redelivered_at IS NULL",
    """
    CREATE TABLE proceeds (
      nullifier BYTEA NOT NULL PRIMARY KEY,
      payment TEXT REFERENCES payments (id),
      counterpart TEXT NOT NULL,
      series TEXT NOT NULL,
      value BIGINT NOT NULL,
      unit TEXT NOT NULL,
      bearer BYTEA NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('held', 'locked', 'spent', 'exported')),
      transfer TEXT,
      created_at BIGINT NOT NULL,
      CHECK ((state = 'held') = (transfer IS NULL))
    )
    """,
    "CREATE INDEX proceeds_by_series ON proceeds (state, counterpart, unit, value, series)",
    "CREATE INDEX proceeds_by_payment ON proceeds (payment)",
    "CREATE INDEX proceeds_by_transfer ON proceeds (transfer) WHERE transfer IS NOT NULL",
    """
    CREATE TABLE exposures (
      counterpart TEXT NOT NULL,
      unit TEXT NOT NULL,
      total BIGINT NOT NULL,
      PRIMARY KEY (counterpart, unit)
    )
    """,
    "CREATE TABLE meters (meter TEXT NOT NULL PRIMARY KEY, count BIGINT NOT NULL, ends_at BIGINT NOT NULL)",
    "CREATE INDEX meters_by_end ON meters (ends_at)",
    """
    CREATE TABLE invoices (
      id TEXT NOT NULL PRIMARY KEY,
      counterpart TEXT NOT NULL,
      quote TEXT NOT NULL,
      plan BYTEA NOT NULL,
      bolt11 TEXT NOT NULL,
      amount BIGINT NOT NULL,
      unit TEXT NOT NULL,
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      tariff TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'expired')),
      payment TEXT,
      expires_at BIGINT NOT NULL,
      created_at BIGINT NOT NULL,
      updated_at BIGINT NOT NULL,
      CHECK ((state = 'paid') = (payment IS NOT NULL))
    )
    """,
    "CREATE INDEX invoices_open ON invoices (created_at) WHERE state = 'open'",
    "CREATE TABLE facts (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE commits (
      mark BYTEA NOT NULL PRIMARY KEY,
      fate TEXT NOT NULL CHECK (fate IN ('committed', 'undone')),
      made TIMESTAMPTZ NOT NULL DEFAULT now()
    )
    """,
  ]
}
