/// There is no answer, for a reason that is ours or our counterpart's; never the payer's fault and never a verdict.
///
/// Thrown inside the gate and rendered as 503 with `Retry-After`.
public struct Outage: Error, Hashable, Sendable {
  /// What is out. The raw value is the public reason code of design §4.
  public enum Code: String, Hashable, Sendable {
    /// A mint, facilitator or the store does not answer.
    case outage
    /// Another request works on the same payment.
    case inFlight = "in_flight"
    /// The payment was sent and its answer was lost; it is being recovered.
    case unknown
    /// The mint may not be asked this often.
    case mintBudget = "mint_budget"
    /// No machine can be had now; nothing was taken for one.
    case noVacancy = "no_vacancy"
  }

  public var code: Code
  /// For the log; the payer sees a fixed text for each code.
  public var message: String
  public var retryAfterSeconds: Int
  public var payment: PaymentID?

  public init(_ code: Code, _ message: String, retryAfterSeconds: Int = 2, payment: PaymentID? = nil) {
    self.code = code
    self.message = message
    self.retryAfterSeconds = retryAfterSeconds
    self.payment = payment
  }
}
