internal import Octets

/// What the fields of a request say that the transport itself wants to know; noted while they arrive, so that the
/// list is not searched once for each.
struct RequestTraits: OptionSet {
  let rawValue: UInt8

  static let hasHost = RequestTraits(rawValue: 1)
  static let hasContentType = RequestTraits(rawValue: 2)
  /// One `content-type`, and it is that of gRPC.
  static let isGRPC = RequestTraits(rawValue: 4)
  static let hasGRPCTimeout = RequestTraits(rawValue: 8)
  static let hasGRPCEncoding = RequestTraits(rawValue: 16)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ fields: FieldList) {
    self = []
    for index in 0..<fields.count {
      let field = fields[index]
      unsafe field.name.withUnsafeBufferPointer { name in
        unsafe field.value.withUnsafeBufferPointer { value in unsafe self.note(name, value) }
      }
    }
  }

  mutating func note(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    switch name.count {
    case 4:
      if unsafe name.matches("host") { self.insert(.hasHost) }
    case 12:
      if unsafe name.matches("content-type") {
        let isGRPC = unsafe !self.contains(.hasContentType) && Self.isGRPC(contentType: value)
        self.insert(.hasContentType)
        if isGRPC { self.insert(.isGRPC) } else { self.remove(.isGRPC) }
      } else if unsafe name.matches("grpc-timeout") {
        self.insert(.hasGRPCTimeout)
      }
    case 13:
      if unsafe name.matches("grpc-encoding") { self.insert(.hasGRPCEncoding) }
    default: break
    }
  }

  /// `application/grpc`, alone or with a subtype or parameters; `application/grpc-web` is another protocol.
  static func isGRPC(contentType: UnsafeBufferPointer<UInt8>) -> Bool {
    let name: StaticString = "application/grpc"
    guard unsafe contentType.beginsIgnoringCase(with: name) else { return false }
    guard contentType.count > name.utf8CodeUnitCount else { return true }
    let next = unsafe contentType[name.utf8CodeUnitCount]
    return next == 0x2B || next == ASCII.semicolon  // "+"
  }
}
