internal import Digest
@testable internal import Gate
internal import Octets

/// The text of a `Turnpike-Grant`. No fuzzer knows the key, so nothing may ever be accepted but the seed it
/// was given, and that for one request only.
enum WorkloadGrantInput {
  private static let key = PassKey(id: 1, authenticator: HMACKey(Array("a key for the fuzzer only".utf8)))
  private static let keys = PassKeys(active: key)
  private static let now = Timestamp(seconds: 4_000_000_000)
  private static let end = now + WorkloadGrant.lifetime
  private static let payment = PaymentID("a-payment")

  static func read(_ bytes: [UInt8]) {
    guard let grant = self.grant(bytes, .get) else { return }
    precondition(grant.workload == self.workload, "a grant nobody signed")
    precondition(grant.payment == self.payment && grant.end == self.end, "a grant that was changed")
    precondition(self.grant(bytes, .post) == nil, "a grant for another request")
  }

  /// A grant of the key above, which is accepted as it stands.
  static func seed() -> [UInt8] {
    let text = WorkloadGrant.text(
      for: self.workload, paidBy: self.payment, until: self.end, on: self.occasion(.get),
      signedWith: self.key)
    let bytes = Array(text.utf8)
    precondition(self.grant(bytes, .get) != nil, "a signed grant is refused")
    return bytes
  }

  private static func grant(_ bytes: [UInt8], _ method: RequestMethod) -> WorkloadGrant? {
    WorkloadGrant(
      bytes[...], on: self.occasion(method), keys: self.keys, now: self.now)
  }

  private static func occasion(_ method: RequestMethod) -> WorkloadGrant.Occasion {
    guard let path = CanonicalPath(target: Array("/ssh".utf8)[...]) else {
      preconditionFailure("a plain path is refused")
    }
    return WorkloadGrant.Occasion(method: method, host: "shop.example", path: path)
  }

  private static var workload: WorkloadID {
    guard let id = WorkloadID("abcdefghijklmnop") else { preconditionFailure("a machine's id is refused") }
    return id
  }
}
