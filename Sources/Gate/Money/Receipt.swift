/// What the counterpart said of a settled payment; public, and shown to the payer each time.
public struct Receipt: Hashable, Sendable {
  /// Header fields for the payer (x402 `PAYMENT-RESPONSE`).
  public var fields: [Challenge.Field]
  /// The counterpart's own name of the transfer: a transaction hash.
  public var transaction: String?

  public init(fields: [Challenge.Field], transaction: String? = nil) {
    self.fields = fields
    self.transaction = transaction
  }
}
