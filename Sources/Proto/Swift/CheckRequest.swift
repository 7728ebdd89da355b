public import Octets

/// What the gate reads of Envoy's `CheckRequest`, copied out of its wire form.
///
/// Every text is bytes as Envoy sent them, and empty where it sent none: gRPC's own client of ext_authz (gRFC A92)
/// sends no id, host or scheme. Method, path and host come from the typed attributes, never from the header map,
/// which `allowed_headers` thins out and which a client can fill.
public struct CheckRequest: Sendable {
  /// The texts beside the headers, in the order they are stored.
  enum Part: Int, CaseIterable {
    case method, path, host, scheme, id, sourceAddress, principal, tier
  }

  private var text: [UInt8]
  private var ends: InlineArray<8, Int32>

  /// The fields that the reader was asked for. From `header_map` each line is a field; in `headers` Envoy has joined
  /// the lines of one name with `,`.
  public let headers: FieldList
  public let sourcePort: UInt16?

  init(text: [UInt8], ends: InlineArray<8, Int32>, headers: FieldList, sourcePort: UInt16?) {
    self.text = text
    self.ends = ends
    self.headers = headers
    self.sourcePort = sourcePort
  }

  public var method: ArraySlice<UInt8> { self[.method] }
  /// The raw `:path`, with the query.
  public var path: ArraySlice<UInt8> { self[.path] }
  /// `:authority`; two Host lines arrive joined by `,`.
  public var host: ArraySlice<UInt8> { self[.host] }
  public var scheme: ArraySlice<UInt8> { self[.scheme] }
  /// Envoy's stream id: made by the proxy, unlike `x-request-id`.
  public var id: ArraySlice<UInt8> { self[.id] }
  /// The address Envoy derived (`use_remote_address`), as text; empty for a unix socket.
  public var sourceAddress: ArraySlice<UInt8> { self[.sourceAddress] }
  /// The SAN or subject of the client's verified certificate.
  public var principal: ArraySlice<UInt8> { self[.principal] }
  /// The value of the one context extension that may choose among configured tiers.
  public var tier: ArraySlice<UInt8> { self[.tier] }

  private subscript(part: Part) -> ArraySlice<UInt8> {
    let start = part.rawValue == 0 ? 0 : Int(self.ends[part.rawValue - 1])
    return self.text[start..<Int(self.ends[part.rawValue])]
  }
}
