internal import JSON
internal import Octets

/// `PermitWitnessTransferFrom` of Uniswap's Permit2, with x402's proxy as spender (scheme `exact`, EVM). Its
/// signature is the facilitator's to check.
struct Permit2Transfer: Hashable, Sendable {
  /// x402's proxy, at one address on every chain: it sends to the witness's `to` and nowhere else.
  static let exactProxy = Address("0x402085c248EeA27D92E8b30b2C58ed07f9E20001")
  static let permit2 = Address("0x000000000022D473030F116dDEE9F6B43aC78BA3")

  var from: Address
  var token: Address
  var amount: UInt256
  var spender: Address
  var nonce: UInt256
  var deadline: UInt256
  var to: Address
  var validAfter: UInt256

  /// The member `permit2Authorization` of a payload.
  init?(_ json: JSON) {
    guard let permitted = json["permitted"], let witness = json["witness"],
      let from = json["from"]?.string.flatMap({ Address($0) }),
      let token = permitted["token"]?.string.flatMap({ Address($0) }),
      let amount = permitted["amount"]?.string.flatMap({ UInt256(decimal: $0) }),
      let spender = json["spender"]?.string.flatMap({ Address($0) }),
      let nonce = json["nonce"]?.string.flatMap({ UInt256(decimal: $0) }),
      let deadline = json["deadline"]?.string.flatMap({ UInt256(decimal: $0) }),
      let to = witness["to"]?.string.flatMap({ Address($0) }),
      let validAfter = witness["validAfter"]?.string.flatMap({ UInt256(decimal: $0) })
    else { return nil }
    self.from = from
    self.token = token
    self.amount = amount
    self.spender = spender
    self.nonce = nonce
    self.deadline = deadline
    self.to = to
    self.validAfter = validAfter
  }
}
