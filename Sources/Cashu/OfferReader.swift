internal import Gate
internal import Octets

/// Finds tokens in a request by their place and their first bytes; nothing is decoded here.
enum OfferReader {
  /// `X-Cashu` is ours whatever it holds (NUT-24); `Authorization` if its scheme is `Cashu`, or `Bearer` with
  /// a token. The query is read only where the adapter's protocol puts a token there.
  ///
  /// Two lines of one field may come joined by a comma (RFC 9110 §5.3; Envoy does it); a token holds none.
  static func tokens(in request: AccessRequest) -> [ArraySlice<UInt8>] {
    var tokens = self.members(of: "x-cashu", in: request).filter { !$0.isEmpty }
    tokens += self.members(of: "authorization", in: request).compactMap(self.credentials)
    if let token = request.queryToken, !token.isEmpty { tokens.append(token) }
    return tokens
  }

  private static func members(of name: StaticString, in request: AccessRequest) -> [ArraySlice<UInt8>] {
    request.fields.values(of: name).flatMap { $0.split(separator: ASCII.comma).map(\.trimmed) }
  }

  /// RFC 9110 §11.4: scheme, spaces, token. The scheme's case does not matter.
  private static func credentials(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let scheme = value.prefix { $0 != ASCII.space }
    let token = value.dropFirst(scheme.count).trimmed
    if scheme.equalsIgnoringCase("cashu") { return token }
    guard scheme.equalsIgnoringCase("bearer") else { return nil }
    guard token.starts(with: "cashu".utf8), let next = token.dropFirst(5).first else { return nil }
    return "AB:".utf8.contains(next) ? token : nil
  }
}
