internal import JSON
internal import Octets
package import Outbound

/// Where a payee's invoices come from: `name@host` (LUD-16), or the address of a pay request (LUD-06).
package struct LightningAddress: Sendable, Equatable, CustomStringConvertible {
  package let description: String
  /// Of the pay request.
  let url: String

  /// Nil for any other text. HTTPS only, but for a host of this machine.
  package init?(_ text: String) {
    self.description = text
    if text.contains("://") {
      guard let url = Self.checked(text) else { return nil }
      self.url = url
      return
    }
    let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    // LUD-16: a-z0-9-_.+
    guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64,
      parts[0].utf8.allSatisfy({ ASCII.isDigit($0) || 0x61...0x7A ~= $0 || "-_.+".utf8.contains($0) }),
      !parts[1].utf8.contains(where: { "/?".utf8.contains($0) })
    else { return nil }
    let isLocal = MintURL("http://\(parts[1])")?.isLoopback ?? false
    guard let url = Self.checked("\(isLocal ? "http" : "https")://\(parts[1])/.well-known/lnurlp/\(parts[0])")
    else {
      return nil
    }
    self.url = url
  }

  /// An absolute address that may be dialled: a query is allowed, plain HTTP only on this machine.
  static func checked(_ text: String) -> String? {
    guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
      return nil
    }
    guard let base = MintURL(String(text.prefix { $0 != "?" })) else { return nil }
    guard base.text.hasPrefix("https://") || base.isLoopback else { return nil }
    return text
  }
}

/// Why a payee gives no invoice.
package enum LightningAddressFault: Error, Sendable, Equatable {
  case silent
  /// It answers something that LUD-06 does not know, or refuses.
  case notUnderstood
  /// It takes no less and no more than this, in thousandths of a satoshi.
  case outsideBounds(UInt64, UInt64)
  /// Its invoice is none, or over another amount than was asked for.
  case wrongInvoice
}

extension LightningAddress {
  private static let timeout: Duration = .seconds(10)

  /// An invoice over exactly so much.
  package func invoice(
    millisatoshis: UInt64, by transport: any OutboundTransport
  ) async throws(LightningAddressFault) -> Bolt11 {
    let terms = try await Self.ask(self.url, transport)
    guard terms["tag"]?.string == "payRequest", let least = terms["minSendable"]?.unsigned,
      let most = terms["maxSendable"]?.unsigned,
      let callback = terms["callback"]?.string.flatMap(Self.checked)
    else { throw .notUnderstood }
    guard (least...max(least, most)).contains(millisatoshis) else { throw .outsideBounds(least, most) }
    let answer = try await Self.ask(
      callback + (callback.contains("?") ? "&" : "?") + "amount=\(millisatoshis)", transport)
    guard let request = answer["pr"]?.string else { throw .notUnderstood }
    guard let invoice = try? Bolt11(request), invoice.millisatoshis == millisatoshis else {
      throw .wrongInvoice
    }
    return invoice
  }

  private static func ask(_ url: String, _ transport: any OutboundTransport)
    async throws(LightningAddressFault) -> JSON
  {
    guard
      case .answered(200, let body, _) = await transport.send(OutboundCall(.get, url, timeout: self.timeout))
    else {
      throw .silent
    }
    guard let json = try? JSONReader.read(body), json["status"]?.string != "ERROR" else {
      throw .notUnderstood
    }
    return json
  }
}
