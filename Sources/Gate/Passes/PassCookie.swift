internal import Octets

/// The cookie form of a pass (RFC 6265).
///
/// Two `Cookie` lines of a client come from Envoy as one, joined by a comma, so a comma may stand before and behind our
/// pair. A pass holds none; in the app's own cookies it is a letter like any other.
public enum PassCookie {
  public static let name: StaticString = "turnpike_pass"

  /// The values of the pass cookie in one `Cookie` field.
  static func values(in cookies: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    cookies.split { $0 == ASCII.semicolon || $0 == ASCII.comma }.compactMap { self.value(of: $0) }
  }

  /// The field without the pass, for the app; nil when there is nothing to take out, empty when nothing is left.
  public static func remainder(of cookies: ArraySlice<UInt8>) -> [UInt8]? {
    var found = 0
    let kept = cookies.split(separator: ASCII.semicolon).compactMap { pair -> [UInt8]? in
      let parts = pair.split(separator: ASCII.comma, omittingEmptySubsequences: false)
      let others = parts.filter { self.value(of: $0) == nil }
      found += parts.count - others.count
      return others.isEmpty ? nil : Array(Array(others.joined(separator: [ASCII.comma]))[...].trimmed)
    }
    guard found > 0 else { return nil }
    return Array(kept.joined(separator: [ASCII.semicolon, ASCII.space]))
  }

  /// `Set-Cookie`: for this route only, never for a script, never to another site.
  public static func setCookie(_ pass: IssuedPass, isSecure: Bool) -> String {
    var text = "\(self.name)=\(pass.token); Path=\(pass.cookiePath); HttpOnly; SameSite=Lax"
    if let seconds = pass.maxAgeSeconds { text += "; Max-Age=\(max(0, seconds))" }
    if isSecure { text += "; Secure" }
    return text
  }

  private static func value(of pair: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let trimmed = pair.trimmed
    let key = trimmed.prefix { $0 != ASCII.equals }
    guard key.count < trimmed.count, key.trimmed.equalsIgnoringCase(self.name) else { return nil }
    return trimmed.dropFirst(key.count + 1).trimmed
  }
}
