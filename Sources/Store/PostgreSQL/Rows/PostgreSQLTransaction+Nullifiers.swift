internal import Gate
internal import Octets

extension PostgreSQLTransaction {
  private static let selectHolder = PostgreSQLStatement(
    "nullifier_holder", "SELECT payment FROM nullifiers WHERE nullifier = $1")
  static let selectHolders = PostgreSQLStatement(
    "nullifier_holders",
    """
    SELECT nullifier, payment FROM unnest($1::bytea[]) AS wanted (wanted)
    CROSS JOIN LATERAL (SELECT * FROM nullifiers WHERE nullifier = wanted LIMIT 1) AS found
    """)
  private static let bindOne = PostgreSQLStatement(
    "nullifier_bind",
    """
    INSERT INTO nullifiers (nullifier, payment) VALUES ($1, $2)
    ON CONFLICT (nullifier) DO UPDATE SET payment = excluded.payment WHERE nullifiers.payment = excluded.payment
    """, expecting: .oneRow)
  private static let freeAllBut = PostgreSQLStatement(
    "nullifiers_free",
    """
    DELETE FROM nullifiers
    WHERE payment = $1 AND encode(nullifier, 'hex') <> ALL(string_to_array($2, ','))
    """)

  func holder(of nullifier: Nullifier) throws(Outage) -> PaymentID? {
    if let known = self.cache.holders[nullifier] { return known }
    let holder = try self.row(Self.selectHolder, [.bytes(nullifier.bytes)])
      .map { row throws(Outage) in PaymentID(try row.text(0)) }
    if self.mode == .write { self.cache.holders[nullifier] = .some(holder) }
    return holder
  }

  func bind(_ nullifiers: Set<Nullifier>, to payment: PaymentID) {
    for nullifier in nullifiers {
      self.change(Self.bindOne, [.bytes(nullifier.bytes), .text(payment.text)], of: payment)
      self.cache.holders[nullifier] = payment
    }
  }

  func free(_ payment: PaymentID, except kept: Set<Nullifier>) {
    let names = kept.map { Hex.encode($0.bytes) }.joined(separator: ",")
    self.change(Self.freeAllBut, [.text(payment.text), .text(names)])
    self.cache.holders = [:]
  }
}
