internal import Octets

/// The cookie form of a pass (RFC 6265).
public enum PassCookie {
  public static let name: StaticString = "turnpike_pass"

  /// The values of the pass cookie in one `Cookie` field.
  static func values(in cookies: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    cookies.split(separator: ASCII.semicolon).compactMap { self.value(of: $0) }
  }

  /// The field without the pass, for the app; nil when there is nothing to take out, empty when nothing is left.
  public static func remainder(of cookies: ArraySlice<UInt8>) -> [UInt8]? {
    let pairs = cookies.split(separator: ASCII.semicolon)
    let kept = pairs.filter { self.value(of: $0) == nil }
    guard kept.count < pairs.count else { return nil }
    return Array(kept.map(\.trimmed).joined(separator: [ASCII.semicolon, ASCII.space]))
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
