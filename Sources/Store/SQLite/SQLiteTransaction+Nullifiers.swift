internal import Gate

extension SQLiteTransaction {
  func holder(of nullifier: Nullifier) throws(Outage) -> PaymentID? {
    try self.connection.row("SELECT payment FROM nullifiers WHERE nullifier = ?", [.bytes(nullifier.bytes)])
      .map { row throws(Outage) in PaymentID(try row.text(0)) }
  }

  func bind(_ nullifiers: Set<Nullifier>, to payment: PaymentID) throws(Outage) {
    for nullifier in nullifiers {
      let bound = try self.connection.run(
        """
        INSERT INTO nullifiers (nullifier, payment) VALUES (?, ?)
        ON CONFLICT (nullifier) DO UPDATE SET payment = excluded.payment WHERE payment = excluded.payment
        """,
        [.bytes(nullifier.bytes), .text(payment.text)])
      guard bound == 1 else { throw .conflict(payment) }
    }
  }

  func free(_ payment: PaymentID, except kept: Set<Nullifier>) throws(Outage) {
    let bound = try self.connection.rows(
      "SELECT nullifier FROM nullifiers WHERE payment = ?", [.text(payment.text)])
    for row in bound {
      let nullifier = Nullifier(try row.bytes(0))
      guard !kept.contains(nullifier) else { continue }
      try self.connection.run("DELETE FROM nullifiers WHERE nullifier = ?", [.bytes(nullifier.bytes)])
    }
  }
}
