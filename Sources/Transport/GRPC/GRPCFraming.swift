/// Length-prefixed messages: a compression flag, four bytes of length, the message
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
enum GRPCFraming {
  static let prefixBytes = 5

  /// The one message of a request's body, or why there is none.
  static func message(in body: [UInt8], maxBytes: Int) -> Result<ArraySlice<UInt8>, GRPCFramingError> {
    guard body.count >= self.prefixBytes else { return .failure(.truncated) }
    guard body[0] <= 1 else { return .failure(.invalidFlag) }
    let length = Int(body[1]) << 24 | Int(body[2]) << 16 | Int(body[3]) << 8 | Int(body[4])
    guard length <= maxBytes else { return .failure(.tooLong) }
    let end = self.prefixBytes + length
    guard body.count >= end else { return .failure(.truncated) }
    guard body.count == end else { return .failure(.extraMessage) }
    guard body[0] == 0 else { return .failure(.compressed) }
    return .success(body[self.prefixBytes..<end])
  }

  static func frame(_ message: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(self.prefixBytes + message.count)
    out.append(0)
    let length = UInt32(message.count)
    for shift in [24, 16, 8, 0] as [UInt32] { out.append(UInt8(truncatingIfNeeded: length >> shift)) }
    out.append(contentsOf: message)
    return out
  }
}

/// Why a body is not exactly one plain message.
enum GRPCFramingError: Error, Hashable {
  case truncated
  case invalidFlag
  case tooLong
  case extraMessage
  case compressed

  var status: GRPCStatus {
    switch self {
    case .truncated: GRPCStatus(.invalidArgument, "the request ends inside a message")
    case .invalidFlag: GRPCStatus(.internal, "invalid compression flag")
    case .tooLong: GRPCStatus(.resourceExhausted, "the message is longer than this server takes")
    case .extraMessage: GRPCStatus(.invalidArgument, "more than one message in a unary request")
    case .compressed: GRPCStatus(.unimplemented, "compressed messages are not supported")
    }
  }
}
