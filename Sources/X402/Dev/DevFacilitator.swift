internal import Digest
package import Gate
internal import JSON
internal import Octets
internal import Synchronization

/// A facilitator without a chain, for newcomers who try their own gate: it checks signatures, remembers
/// nonces, and moves no money. What it calls a transaction is a name that it made up. Never for anything that
/// has a price.
package final class DevFacilitator: Sendable {
  package struct Answer: Sendable, Equatable {
    package var status: Int
    /// JSON.
    package var body: [UInt8]
  }

  /// Nonces that are remembered; the oldest tries are over long before.
  private static let maxNonces = 100_000

  private let clock: any TimeSource
  private let used = Mutex<Set<[UInt8]>>([])

  package init(clock: any TimeSource) { self.clock = clock }

  /// - Parameter path: without a query.
  package func answer(path: String, body: [UInt8]) -> Answer {
    switch path {
    case "/supported": return Self.ok(Self.supported)
    case "/verify", "/settle": break
    default: return Answer(status: 404, body: Array("{}".utf8))
    }
    let finding = (try? JSONReader.read(body)).map(self.judge) ?? .refused("invalid_payload", payer: nil)
    switch finding {
    case .refused(let reason, let payer):
      return Self.ok(Self.refusal(of: path, reason, payer))
    case .good(let payment) where path == "/verify":
      guard !self.used.withLock({ $0.contains(payment.key) }) else {
        return Self.ok(Self.refusal(of: path, "invalid_exact_evm_nonce_already_used", payment.payer))
      }
      return Self.ok(.record(["isValid": .bool(true), "payer": .string(payment.payer)]))
    case .good(let payment):
      let isNew = self.used.withLock { $0.count < Self.maxNonces && $0.insert(payment.key).inserted }
      guard isNew else { return Self.ok(Self.refusal(of: path, "invalid_transaction_state", payment.payer)) }
      let name = HexText.text(SHA256.hash(Array("no chain ".utf8) + payment.key))
      return Self.ok(
        .record([
          "success": .bool(true), "transaction": .string(name), "network": .string(payment.network),
          "payer": .string(payment.payer),
        ]))
    }
  }

  private struct Payment {
    var key: [UInt8]
    var payer: String
    /// As it was asked.
    var network: String
  }

  private enum Finding {
    case good(Payment)
    case refused(String, payer: String?)
  }

  /// The checks of x402's `exact` on EVM that need no chain.
  private func judge(_ request: JSON) -> Finding {
    guard let asked = request["paymentRequirements"], let name = asked["network"]?.string,
      let network = Network(name), case .evm(let chainID) = network.family,
      let asset = asked["asset"]?.string.flatMap({ Address($0) }),
      let payTo = asked["payTo"]?.string.flatMap({ Address($0) }),
      let amount = (asked["amount"] ?? asked["maxAmountRequired"])?.string.flatMap({ UInt256(decimal: $0) })
    else { return .refused("invalid_payment_requirements", payer: nil) }
    guard asked["scheme"]?.string == Scheme.exact.rawValue else {
      return .refused("unsupported_scheme", payer: nil)
    }
    guard let domainName = asked["extra"]?["name"]?.string, let version = asked["extra"]?["version"]?.string
    else {
      return .refused("missing_eip712_domain", payer: nil)
    }
    guard let payload = request["paymentPayload"]?["payload"],
      case .eip3009(let authorization, let signature)? = ExactPayload(payload)
    else { return .refused("invalid_payload", payer: nil) }
    let payer = authorization.from.description
    let now = self.clock.now().seconds
    let domain = EIP712Domain(name: domainName, version: version, chainID: chainID, verifyingContract: asset)
    let signer = RecoverableSignature(signature)?.signer(of: domain.digest(of: authorization.structHash))
    let part = "invalid_exact_evm_payload_"
    guard signer == authorization.from else { return .refused(part + "signature", payer: payer) }
    guard authorization.to == payTo else { return .refused(part + "recipient_mismatch", payer: payer) }
    guard authorization.value == amount else {
      return .refused(part + "authorization_value_mismatch", payer: payer)
    }
    guard authorization.validAfter.seconds <= now else {
      return .refused(part + "authorization_valid_after", payer: payer)
    }
    // As the SDK's facilitator: a block takes its time.
    guard authorization.validBefore.seconds >= now + 6 else {
      return .refused(part + "authorization_valid_before", payer: payer)
    }
    let key = Array(network.name.utf8) + asset.bytes + authorization.from.bytes + authorization.nonce
    return .good(Payment(key: key, payer: payer, network: name))
  }

  private static func refusal(of path: String, _ reason: String, _ payer: String?) -> JSON {
    let payer = payer.map { JSON.string($0) }
    return path == "/verify"
      ? .record(["isValid": .bool(false), "invalidReason": .string(reason), "payer": payer])
      : .record([
        "success": .bool(false), "errorReason": .string(reason), "transaction": .string(""),
        "network": .string(""), "payer": payer,
      ])
  }

  /// Every EVM network that we know, in both versions.
  private static let supported: JSON = {
    let networks = Asset.known.map(\.network).filter { $0.family != .svm }
    let names =
      networks.map { (UInt64(2), $0.name) } + networks.compactMap { $0.nameV1 }.map { (UInt64(1), $0) }
    let kinds = names.map { version, name in
      JSON.record([
        "x402Version": .unsigned(version), "scheme": .string(Scheme.exact.rawValue), "network": .string(name),
      ])
    }
    return .record(["kinds": .array(kinds), "extensions": .array([]), "signers": .record([:])])
  }()

  private static func ok(_ json: JSON) -> Answer { Answer(status: 200, body: JSONWriter.write(json)) }
}
