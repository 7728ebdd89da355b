internal import JSON
package import Outbound

/// What a mint said to a call, sorted by what may be concluded from it (errors of NUT-00, and what mints
/// really send).
package enum MintAnswer<Value: Sendable>: Sendable {
  case value(Value)
  case refused(MintRefusal)
  /// 429: the call was not looked at.
  case throttled(retryAfterSeconds: Int?)
  case silent(Silence)

  /// - Parameter decode: nil for an answer of another shape.
  init(_ reply: OutboundReply, decode: (JSON) -> Value?) {
    switch reply {
    case .silent(let silence): self = .silent(silence)
    case .answered(429, _, let retryAfter): self = .throttled(retryAfterSeconds: retryAfter)
    case .answered(let status, let body, _):
      // A body that is no JSON is a page of somebody between us and the mint.
      let json = try? JSONReader.read(body)
      switch (status, json) {
      case (200, let json?): self = decode(json).map { .value($0) } ?? .silent(.garbage(status: status))
      case (400..<500, let json?) where json["detail"] != nil || json["code"] != nil:
        self = .refused(MintRefusal(code: json["code"]?.unsigned))
      default: self = .silent(.garbage(status: status))
      }
    }
  }
}

/// Why a mint refused a call. Codes were renumbered and are used loosely, so only these are told apart, and
/// none of them decides about money alone.
package enum MintRefusal: Sendable, Equatable {
  /// 11001: an input is spent.
  case spent
  /// 11002, 11004: an input or an output is in use by another call.
  case pending
  /// 11003: an output was signed before.
  case alreadySigned
  /// 12001, 12002, 12003: a keyset is unknown, inactive or expired.
  case keyset
  case other(code: UInt64?)

  init(code: UInt64?) {
    self =
      switch code {
      case 11001: .spent
      case 11002, 11004: .pending
      case 11003: .alreadySigned
      case 12001, 12002, 12003: .keyset
      default: .other(code: code)
      }
  }
}
