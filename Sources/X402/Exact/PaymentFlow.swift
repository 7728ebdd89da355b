/// When a payment is settled, seen from the resource (x402 V2 §6.1 `paymentFlow`).
package enum PaymentFlow: String, Sendable {
  /// Verified before, settled after the app has answered: for a gateway that sees the answer.
  case authorization
  /// Settled before the app is asked: for a proxy that cannot see the answer.
  case upfront
}
