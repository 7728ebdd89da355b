internal import JSON
internal import Octets

/// An output that a mint is asked to sign (NUT-00, "BlindedMessage").
struct BlindedMessage: Sendable {
  var amount: UInt64
  var keysetID: KeysetID
  var B_: Point

  var json: JSON {
    .record([
      "amount": .unsigned(self.amount),
      "id": .string(self.keysetID.description),
      "B_": .string(Hex.encode(self.B_.compressed)),
    ])
  }
}

/// A mint's answer to an output (NUT-00, "BlindSignature"); not yet checked against what was asked.
package struct BlindSignature: Sendable {
  var amount: UInt64
  var keysetID: KeysetID
  var C_: Point
  /// Absent from mints without NUT-12.
  var dleq: DLEQ?

  /// Nil when a member is absent or malformed; a DLEQ proof that is there must be one.
  init?(_ json: JSON) {
    guard let amount = json["amount"]?.unsigned,
      let keysetID = json["id"]?.string.flatMap({ KeysetID(hex: $0) }),
      let C_ = Self.bytes(json["C_"]).flatMap({ Point(compressed: $0) })
    else { return nil }
    self.amount = amount
    self.keysetID = keysetID
    self.C_ = C_
    guard let dleq = json["dleq"] else { return }
    guard let e = Self.scalar(dleq["e"]), let s = Self.scalar(dleq["s"]) else { return nil }
    self.dleq = DLEQ(e: e, s: s)
  }

  private static func scalar(_ json: JSON?) -> Scalar? { self.bytes(json).flatMap { Scalar($0) } }

  private static func bytes(_ json: JSON?) -> [UInt8]? { json?.string.flatMap { Hex.decode($0) } }
}
