/// One JSON value (RFC 8259). Whole numbers are exact; members keep their order.
package indirect enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number written without sign, fraction or exponent that fits 64 bits: the form of every amount.
  case unsigned(UInt64)
  /// Any other number, as written.
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  package struct Member: Sendable, Equatable {
    package var name: String
    package var value: JSON

    package init(name: String, value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// The member of an object; nil for `null`, for an absent one and for anything that is no object.
  package subscript(_ name: String) -> JSON? {
    guard case .object(let members) = self, let member = members.first(where: { $0.name == name }) else {
      return nil
    }
    return member.value == .null ? nil : member.value
  }

  package var unsigned: UInt64? { if case .unsigned(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var members: [Member]? { if case .object(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// An object with members in the order given; those without a value are left out.
  package static func record(_ members: KeyValuePairs<String, JSON?>) -> JSON {
    .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
  }
}
