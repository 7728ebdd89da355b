/// What the statements about leases have in common, in the SQL that both databases speak.
enum LeaseSQL {
  static let isLive = "l.state IN ('ordered', 'starting', 'ready', 'expiring')"

  /// Columns 0 to 21. The paid time, and what is left of it, is the grant's, and written there only.
  static let select = """
    SELECT l.id, l.serial, g.payment, l.spec, l.username, l.public_key, l.image, l.backend, l.state,
      l.ordered_at, l.ready_at,
      CASE WHEN l.ended_at IS NOT NULL THEN l.ended_at WHEN g.revoked_at < g.ends_at THEN g.revoked_at
        ELSE g.ends_at END,
      g.revoked_at, l.told_end, l.port, l.host_key, l.handle, l.owner,
      CASE WHEN l.state IN ('expiring', 'gone', 'failed') AND g.revoked_at IS NULL AND \(Self.isNewest)
        THEN COALESCE(g.unused_ms, 0) ELSE 0 END,
      l.note, l.version, l.wanted_ms
    FROM leases AS l JOIN grants AS g ON g.serial = l.serial
    """

  static let isNewest = "l.number = (SELECT MAX(number) FROM leases WHERE serial = l.serial)"

  /// Those without credit that ended before a moment: the mark that follows.
  static let selectPrunable = """
    SELECT l.id FROM leases AS l JOIN grants AS g ON g.serial = l.serial
    WHERE (COALESCE(g.unused_ms, 0) = 0 OR g.revoked_at IS NOT NULL OR NOT \(Self.isNewest)) AND l.ended_at <
    """
}
