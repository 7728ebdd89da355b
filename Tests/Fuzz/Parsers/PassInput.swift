internal import Digest
@testable internal import Gate
internal import Octets

/// The text of a pass. No fuzzer knows the key, so nothing may ever be accepted but the seed it was given.
enum PassInput {
  private static let key = PassKey(id: 1, authenticator: HMACKey(Array("a key for the fuzzer only".utf8)))
  private static let keys = PassKeys(active: key)
  private static let serial = Serial(0x0102_0304)

  static func read(_ bytes: [UInt8]) {
    guard let pass = Pass(bytes[...], keys: self.keys) else { return }
    precondition(pass.serial == self.serial, "a pass nobody signed")
  }

  /// A pass of the key above, which is accepted as it stands.
  static func seed() -> [UInt8] {
    let text = Pass.token(
      kind: .time, end: Timestamp(seconds: 4_000_000_000), serial: self.serial, routeTag: 7,
      host: "shop.example", signedWith: self.key)
    let bytes = Array(text.utf8)
    precondition(Pass(bytes[...], keys: self.keys) != nil, "a signed pass is refused")
    return bytes
  }
}
