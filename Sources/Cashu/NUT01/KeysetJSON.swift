internal import JSON
internal import Octets

/// Keysets as a mint publishes them (NUT-01, NUT-02).
enum KeysetJSON {
  /// One row of `/v1/keysets`.
  struct Listing: Sendable {
    var id: KeysetID
    var unit: String
    var isActive: Bool
    var inputFeePpk: UInt64
    var finalExpiry: UInt64?
  }

  /// The rows of `/v1/keysets`; those whose identifier has a form of the past are left out. Nil for any other
  /// answer.
  static func listings(_ answer: JSON) -> [Listing]? {
    guard let rows = answer["keysets"]?.array else { return nil }
    var listings: [Listing] = []
    for row in rows {
      guard let id = row["id"]?.string, let unit = row["unit"]?.string, let isActive = row["active"]?.bool
      else {
        return nil
      }
      guard let id = KeysetID(hex: id) else { continue }
      guard let fee = self.optionalNumber(row["input_fee_ppk"]),
        let end = self.optionalNumber(row["final_expiry"])
      else { return nil }
      listings.append(
        Listing(id: id, unit: unit, isActive: isActive, inputFeePpk: fee ?? 0, finalExpiry: end)
      )
    }
    return listings
  }

  /// `{"1": "02…", …}`. Nil unless every amount is a whole number written once and every key a compressed
  /// point.
  static func keys(_ value: JSON?) -> [UInt64: Point]? {
    guard let members = value?.members, !members.isEmpty else { return nil }
    var keys: [UInt64: Point] = [:]
    for member in members {
      guard let amount = UInt64(member.name), String(amount) == member.name, amount > 0, keys[amount] == nil,
        let point = member.value.string.flatMap({ Hex.decode($0) }).flatMap(Point.init(compressed:))
      else { return nil }
      keys[amount] = point
    }
    return keys
  }

  /// The keys of one keyset in the answer of `/v1/keys/{id}`.
  static func keys(of id: KeysetID, in answer: JSON) -> [UInt64: Point]? {
    let row = answer["keysets"]?.array?.first { $0["id"]?.string == id.description }
    return self.keys(row?["keys"])
  }

  /// The outer nil is a fault, the inner one an absent number.
  private static func optionalNumber(_ value: JSON?) -> UInt64?? {
    guard let value else { return .some(nil) }
    guard let number = value.unsigned else { return nil }
    return .some(number)
  }
}
