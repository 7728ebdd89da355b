internal import Digest
package import Gate
package import JSON
internal import Octets
internal import Secp256k1

/// A payer with a key in memory, for newcomers who try their own gate and for tests. Not a wallet: it pays
/// what it is asked, up to a limit, and keeps nothing.
package struct DevPayer: Sendable, CustomStringConvertible {
  package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable
    /// No offer is `exact` by EIP-3009 on an EVM network.
    case noOffer
    case tooDear(String)

    package var description: String {
      switch self {
      case .unreadable: "the 402 has no PAYMENT-REQUIRED header that can be read"
      case .noOffer: "the 402 offers no payment of scheme exact by EIP-3009 on an EVM network"
      case .tooDear(let amount): "the 402 asks for \(amount), which is more than the limit"
      }
    }
  }

  package let address: Address
  private let secret: [UInt8]

  package var description: String { self.address.description }

  /// - Parameter key: 32 bytes; nil for bytes that are no key.
  package init?(key: [UInt8]) {
    guard Curve.shared.isScalar(key) else { return nil }
    self.address = Address(of: Curve.shared.generator(times: key))
    self.secret = key
  }

  /// A key that nobody had before.
  package static func random() -> (payer: DevPayer, key: [UInt8]) {
    while true {
      let key = RandomBytes.make(count: 32)
      if let payer = DevPayer(key: key) { return (payer, key) }
    }
  }

  /// 65 bytes; nil once in 2¹²⁷.
  package func sign(_ authorization: TransferAuthorization, for domain: EIP712Domain) -> [UInt8]? {
    RecoverableSignature(of: domain.digest(of: authorization.structHash), with: self.secret)?.bytes
  }

  /// The value of `PAYMENT-SIGNATURE` that answers a 402 with the value of its `PAYMENT-REQUIRED`.
  ///
  /// - Parameter limit: in the asset's smallest parts.
  package func payment(for required: some Sequence<UInt8>, limit: UInt64, now: Timestamp) throws(Fault)
    -> String
  {
    guard let bytes = Base64.decode(required), let json = try? JSONReader.read(bytes),
      json["x402Version"]?.unsigned == 2, let accepts = json["accepts"]?.array
    else { throw .unreadable }
    guard let (accepted, domain) = accepts.lazy.compactMap(Self.payable).first,
      let payTo = accepted["payTo"]?.string.flatMap({ Address($0) }),
      let amount = accepted["amount"]?.string, let value = UInt256(decimal: amount)
    else { throw .noOffer }
    guard value <= UInt256(limit) else { throw .tooDear(amount) }
    let seconds = accepted["maxTimeoutSeconds"]?.unsigned ?? 60
    let authorization = TransferAuthorization(
      from: self.address, to: payTo, value: value, validAfter: UInt256(0),
      validBefore: UInt256(UInt64(clamping: now.seconds) + min(seconds, 86_400)),
      nonce: RandomBytes.make(count: TransferAuthorization.nonceByteCount))
    guard let signature = self.sign(authorization, for: domain) else { throw .noOffer }
    let payload = JSON.record([
      "x402Version": .unsigned(2), "resource": json["resource"], "accepted": accepted,
      "payload": Self.payload(authorization, signature), "extensions": json["extensions"],
    ])
    return Base64.encode(JSONWriter.write(payload))
  }

  package static func payload(_ authorization: TransferAuthorization, _ signature: [UInt8]) -> JSON {
    .record(["signature": .string(HexText.text(signature)), "authorization": authorization.json])
  }

  private static func payable(_ accepted: JSON) -> (JSON, EIP712Domain)? {
    let extra = accepted["extra"]
    guard accepted["scheme"]?.string == Scheme.exact.rawValue,
      (extra?["assetTransferMethod"]?.string ?? "eip3009") == "eip3009",
      case .evm(let chainID)? = accepted["network"]?.string.flatMap({ Network($0) })?.family,
      let contract = accepted["asset"]?.string.flatMap({ Address($0) }),
      let name = extra?["name"]?.string, let version = extra?["version"]?.string
    else { return nil }
    return (
      accepted, EIP712Domain(name: name, version: version, chainID: chainID, verifyingContract: contract)
    )
  }
}
