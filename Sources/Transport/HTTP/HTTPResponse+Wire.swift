internal import Octets

extension HTTPResponse {
  /// 503 with `Retry-After: 1`, or `UNAVAILABLE`: too much is waited for.
  static func busy(isGRPC: Bool) -> HTTPResponse {
    if isGRPC { return HTTPResponse(grpc: GRPCStatus(.unavailable, "too many requests are waiting")) }
    var fields = FieldList()
    fields.append("retry-after", "1".utf8)
    return HTTPResponse(status: 503, fields: fields)
  }

  /// The fields to send with a body of `length` bytes: those that belong to the transport left out, its own put in.
  /// Nil when a name is no token, or a value holds a control character (RFC 9110 §5.5).
  func wireFields(length: Int?) -> FieldList? {
    var fields = FieldList()
    for index in 0..<self.fields.count {
      let field = self.fields[index]
      guard !field.name.isEmpty, field.name.allSatisfy(ASCII.isToken) else { return nil }
      guard field.value.allSatisfy({ !ASCII.isControl($0) || $0 == ASCII.tab }) else { return nil }
      if !Self.belongsToTransport(field.name) { fields.append(name: field.name, value: field.value) }
    }
    if let length, self.mayHaveBody { fields.append("content-length", String(length).utf8) }
    return fields
  }

  /// Not with 1xx, 204 and 304 (RFC 9110 §6.4.1).
  var mayHaveBody: Bool { self.status >= 200 && self.status != 204 && self.status != 304 }

  private static func belongsToTransport(_ name: ArraySlice<UInt8>) -> Bool {
    switch name.count {
    case 7: name.equalsIgnoringCase("upgrade")
    case 10: name.equalsIgnoringCase("connection") || name.equalsIgnoringCase("keep-alive")
    case 14: name.equalsIgnoringCase("content-length")
    case 16: name.equalsIgnoringCase("proxy-connection")
    case 17: name.equalsIgnoringCase("transfer-encoding")
    default: false
    }
  }
}
