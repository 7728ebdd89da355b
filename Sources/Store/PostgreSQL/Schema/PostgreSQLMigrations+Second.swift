extension PostgreSQLMigrations {
  /// Machines, and the time of a grant that waits for one.
  static let second = [
    "ALTER TABLE grants ADD COLUMN unused_ms BIGINT",
    "CREATE INDEX payments_onto ON payments (onto) WHERE onto IS NOT NULL",
    // Of a live one `ended_at` is NULL, and its grant says when it will end.
    """
    CREATE TABLE leases (
      id TEXT NOT NULL PRIMARY KEY,
      serial BYTEA NOT NULL REFERENCES grants (serial),
      number BIGINT NOT NULL,
      spec TEXT NOT NULL,
      username TEXT,
      public_key TEXT,
      image TEXT,
      wanted_ms BIGINT CHECK (wanted_ms > 0),
      backend TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('ordered', 'starting', 'ready', 'expiring', 'gone', 'failed')),
      ordered_at BIGINT NOT NULL,
      ready_at BIGINT,
      ended_at BIGINT,
      told_end BIGINT,
      port BIGINT CHECK (port BETWEEN 0 AND 65535),
      host_key TEXT,
      handle TEXT,
      owner TEXT,
      note TEXT,
      version BIGINT NOT NULL,
      CHECK ((state IN ('gone', 'failed')) = (ended_at IS NOT NULL)),
      CHECK ((port IS NULL) = (host_key IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX leases_by_grant ON leases (serial, number)",
    """
    CREATE UNIQUE INDEX leases_live ON leases (serial)
      WHERE state IN ('ordered', 'starting', 'ready', 'expiring')
    """,
    """
    CREATE INDEX leases_by_port ON leases (backend, port)
      WHERE state IN ('ordered', 'starting', 'ready', 'expiring')
    """,
    "CREATE INDEX leases_by_order ON leases (ordered_at)",
    "CREATE INDEX leases_ended ON leases (ended_at) WHERE ended_at IS NOT NULL",
  ]
}
