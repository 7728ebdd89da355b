internal import Gate
internal import Octets

/// Finds tokens in a request by their place and their first bytes; nothing is decoded here.
enum OfferReader {
  /// `X-Cashu` is ours whatever it holds (NUT-24); `Authorization` if its scheme is `Cashu`, or `Bearer` with
  /// a token. The query is read only where the adapter's protocol puts a token there.
  static func tokens(in request: AccessRequest) -> [ArraySlice<UInt8>] {
    var tokens = request.fields.values(of: "x-cashu").map { $0.trimmed }.filter { !$0.isEmpty }
    tokens += request.fields.values(of: "authorization").compactMap(self.credentials)
    if let token = request.queryToken, !token.isEmpty { tokens.append(token) }
    return tokens
  }

  /// RFC 9110 §11.4: scheme, spaces, token. The scheme's case does not matter.
  private static func credentials(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let scheme = value.prefix { $0 != ASCII.space }
    let token = value.dropFirst(scheme.count).trimmed
    if scheme.equalsIgnoringCase("cashu") { return token }
    guard scheme.equalsIgnoringCase("bearer") else { return nil }
    return ["cashuA", "cashuB", "cashu:"].contains { token.starts(with: $0.utf8) } ? token : nil
  }
}
