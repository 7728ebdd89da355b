extension SQLiteMigrations {
  /// Trust, transfers and what they need. Tables are rebuilt where a CHECK changes, as
  /// <https://sqlite.org/lang_altertable.html#otheralter> tells: with foreign keys off, or dropping a table would delete
  /// the rows that refer to it.
  static let second = [
    """
    CREATE TABLE payments_2 (
      id TEXT NOT NULL PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('payment', 'redemption', 'export', 'melt')),
      method TEXT NOT NULL,
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      value INTEGER NOT NULL,
      unit TEXT NOT NULL,
      counterpart TEXT NOT NULL,
      bought_uses INTEGER,
      bought_ms INTEGER,
      onto BLOB,
      bearing TEXT NOT NULL CHECK (bearing IN ('payload', 'secret', 'first')),
      bearing_hash BLOB,
      payer TEXT,
      name BLOB,
      plan BLOB NOT NULL,
      counter_starts TEXT NOT NULL,
      state TEXT NOT NULL
        CHECK (state IN ('reserved', 'settling', 'accepted', 'settled', 'rejected', 'unknown', 'stuck')),
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
      receipt TEXT,
      fee INTEGER NOT NULL,
      outflow INTEGER NOT NULL,
      redemption TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      CHECK ((state IN ('reserved', 'settling')) = (owner IS NOT NULL)),
      CHECK ((owner IS NULL) = (lease_end IS NULL)),
      CHECK ((bearing = 'secret') = (bearing_hash IS NOT NULL)),
      CHECK (serial IS NULL OR (kind = 'payment' AND state IN ('accepted', 'settled', 'stuck'))),
      CHECK (serial IS NOT NULL OR state <> 'accepted'),
      CHECK (serial IS NOT NULL OR state <> 'settled' OR kind <> 'payment'),
      CHECK (redemption IS NULL OR (kind = 'payment' AND state IN ('accepted', 'settled')))
    ) STRICT
    """,
    """
    INSERT INTO payments_2 (
      id, kind, method, route, host, value, unit, counterpart, bought_uses, bought_ms, bearing, plan,
      counter_starts, state, version, term, owner, lease_end, lease_ms, attempts, due_at, rejection, note, serial,
      fee, outflow, created_at, updated_at)
    SELECT
      id, 'payment', method, route, host, value, unit, counterpart, bought_uses, bought_ms, 'payload', plan,
      counter_starts, state, version, term, owner, lease_end, lease_ms, attempts, due_at, rejection, note, serial,
      CASE state WHEN 'settled' THEN (
        SELECT CASE COUNT(*) WHEN 0 THEN 0 ELSE payments.value - SUM(proceeds.value) END
        FROM proceeds WHERE proceeds.payment = payments.id AND proceeds.unit = payments.unit)
      ELSE 0 END,
      0, created_at, updated_at
    FROM payments
    """,
    "DROP TABLE payments",
    "ALTER TABLE payments_2 RENAME TO payments",
    "CREATE INDEX payments_by_state ON payments (state, updated_at)",
    "CREATE INDEX payments_by_change ON payments (updated_at)",
    "CREATE UNIQUE INDEX payments_by_name ON payments (name) WHERE name IS NOT NULL",
    """
    CREATE INDEX payments_on_trust ON payments (created_at) WHERE state = 'accepted' AND redemption IS NULL
    """,
    "CREATE INDEX payments_by_redemption ON payments (redemption) WHERE redemption IS NOT NULL",
    "ALTER TABLE grants ADD COLUMN payer TEXT",
    "ALTER TABLE grants ADD COLUMN receipt TEXT",
    // Uses taken whose rows were pruned.
    "ALTER TABLE grants ADD COLUMN uses_forgotten INTEGER NOT NULL DEFAULT 0",
    """
    UPDATE grants SET uses_forgotten = MAX(0, uses_taken - (
      SELECT COUNT(*) FROM uses WHERE uses.serial = grants.serial AND uses.state <> 'granted'))
    """,
    """
    CREATE TABLE proceeds_2 (
      nullifier BLOB NOT NULL PRIMARY KEY,
      payment TEXT REFERENCES payments (id),
      counterpart TEXT NOT NULL,
      series TEXT NOT NULL,
      value INTEGER NOT NULL,
      unit TEXT NOT NULL,
      bearer BLOB NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('held', 'locked', 'spent', 'exported')),
      transfer TEXT,
      created_at INTEGER NOT NULL,
      CHECK ((state = 'held') = (transfer IS NULL))
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO proceeds_2 (nullifier, payment, counterpart, series, value, unit, bearer, state, created_at)
    SELECT nullifier, payment, counterpart, series, value, unit, bearer, 'held', created_at FROM proceeds
    """,
    "DROP TABLE proceeds",
    "ALTER TABLE proceeds_2 RENAME TO proceeds",
    "CREATE INDEX proceeds_by_series ON proceeds (state, counterpart, unit, value, series)",
    "CREATE INDEX proceeds_by_payment ON proceeds (payment)",
    "CREATE INDEX proceeds_by_transfer ON proceeds (transfer) WHERE transfer IS NOT NULL",
    """
    CREATE TABLE exposures (
      counterpart TEXT NOT NULL,
      unit TEXT NOT NULL,
      total INTEGER NOT NULL,
      PRIMARY KEY (counterpart, unit)
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO exposures (counterpart, unit, total)
    SELECT counterpart, unit, SUM(value) FROM payments
    WHERE state IN ('reserved', 'settling', 'unknown', 'stuck') GROUP BY counterpart, unit
    """,
    """
    CREATE TABLE meters (meter TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL, ends_at INTEGER NOT NULL)
    STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX meters_by_end ON meters (ends_at)",
    """
    CREATE TABLE invoices (
      id TEXT NOT NULL PRIMARY KEY,
      counterpart TEXT NOT NULL,
      quote TEXT NOT NULL,
      plan BLOB NOT NULL,
      bolt11 TEXT NOT NULL,
      amount INTEGER NOT NULL,
      unit TEXT NOT NULL,
      route TEXT NOT NULL,
      host TEXT NOT NULL,
      tariff TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'expired')),
      payment TEXT,
      expires_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      CHECK ((state = 'paid') = (payment IS NOT NULL))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX invoices_open ON invoices (created_at) WHERE state = 'open'",
    "CREATE INDEX invoices_expired ON invoices (updated_at) WHERE state = 'expired'",
  ]
}
