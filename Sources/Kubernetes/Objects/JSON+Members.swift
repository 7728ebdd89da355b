package import JSON

/// An answer of the API in another shape than its documentation's.
package struct Misread: Error, Hashable, Sendable {
  package var member: String
}

extension JSON {
  func text(_ name: String) throws(Misread) -> String {
    guard let text = self[name]?.string else { throw Misread(member: name) }
    return text
  }

  /// A whole number that fits; nil for an absent one.
  func integer(_ name: String) -> Int64? {
    switch self[name] {
    case .unsigned(let value): Int64(exactly: value)
    case .number(let text): Int64(text)
    default: nil
    }
  }

  /// A map of texts; empty for an absent one.
  func texts(_ name: String) -> [String: String] {
    var texts: [String: String] = [:]
    for member in self[name]?.members ?? [] { texts[member.name] = member.value.string }
    return texts
  }

  func time(_ name: String) -> KubernetesTime? { self[name]?.string.flatMap { KubernetesTime($0) } }

  /// Sorted by name, so that the same map gives the same bytes; nil for an empty one.
  package static func map(_ texts: [String: String]) -> JSON? {
    if texts.isEmpty { return nil }
    return .object(texts.sorted { $0.key < $1.key }.map { Member(name: $0.key, value: .string($0.value)) })
  }

  static func list(_ values: [JSON]) -> JSON? { values.isEmpty ? nil : .array(values) }
  package static func integer(_ value: some BinaryInteger) -> JSON {
    UInt64(exactly: value).map { .unsigned($0) } ?? .number(String(value))
  }
}
