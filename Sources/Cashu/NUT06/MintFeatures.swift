internal import JSON

/// What a mint says of itself that we rely on (NUT-06, `nuts`).
struct MintFeatures: Sendable, Equatable {
  /// It enforces locks to keys: NUT-10 and NUT-11. One that does not would let anybody spend.
  var enforcesLocks: Bool
  /// It proves its signatures (NUT-12).
  var provesSignatures: Bool

  static let none = MintFeatures(enforcesLocks: false, provesSignatures: false)

  var allowTrust: Bool { self.enforcesLocks && self.provesSignatures }

  init(enforcesLocks: Bool, provesSignatures: Bool) {
    self.enforcesLocks = enforcesLocks
    self.provesSignatures = provesSignatures
  }

  /// - Parameter info: the answer to `/v1/info`.
  init(info: JSON) {
    let supports: (String) -> Bool = { info["nuts"]?[$0]?["supported"]?.bool == true }
    self.enforcesLocks = supports("10") && supports("11")
    self.provesSignatures = supports("12")
  }
}
