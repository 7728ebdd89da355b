internal import Gate
internal import Octets

/// What an allow tells the client, where its proxy can hand that on (design §6).
enum ClientFields {
  /// Bearers of a right; the caller says in which forms they are given.
  static func bearer(_ pass: IssuedPass, link: Audience.Link) -> FieldList {
    var fields = FieldList()
    fields.append("turnpike-pass", pass.token.utf8)
    fields.append("set-cookie", PassCookie.setCookie(pass, isSecure: link == .secure).utf8)
    return fields
  }

  /// The receipt, and what is left.
  static func account(_ allowance: Allowance) -> FieldList {
    var fields = FieldList()
    for field in allowance.receipt?.fields ?? [] {
      fields.append(name: field.name.utf8.map(ASCII.lowercased), value: field.value.utf8)
    }
    guard let remaining = allowance.remaining else { return fields }
    fields.append("turnpike-remaining", remaining.text.utf8)
    if remaining.level == .low { fields.append("turnpike-low-balance", "?1".utf8) }
    return fields
  }

  /// For a page of an admitted origin: which of `fields` its scripts may read beside what the app exposes.
  static func exposed(_ fields: FieldList, on route: Route?, to origin: @autoclosure () -> [UInt8]?)
    -> String?
  {
    guard let cors = route?.cors, !fields.isEmpty, let origin = origin(), cors.allowOrigin(for: origin) != nil
    else { return nil }
    let names = (0..<fields.count).map { String(decoding: fields[$0].name, as: UTF8.self) }
      .filter { $0 != "set-cookie" && $0 != "cache-control" }
    return names.isEmpty ? nil : names.joined(separator: ", ")
  }
}

extension Remaining {
  /// A dictionary of RFC 9651 §3.2: `uses=4`, `seconds=3540`, or both.
  package var text: String {
    [self.uses.map { "uses=\($0)" }, self.seconds.map { "seconds=\($0)" }].compactMap { $0 }
      .joined(separator: ", ")
  }
}
