import CProto
import CProtobufC

/// Everything protobuf-c decoded of a `CheckRequest`, by the generated descriptors.
enum DecodedTree {
  static func checkRequest(_ bytes: [UInt8]) -> Tree? {
    guard let message = unsafe envoy__service__auth__v3__check_request__unpack(nil, bytes.count, bytes) else {
      return nil
    }
    defer { unsafe envoy__service__auth__v3__check_request__free_unpacked(message, nil) }
    return unsafe self.message(UnsafeRawPointer(message))
  }

  private static func message(_ message: UnsafeRawPointer) -> Tree {
    let base = unsafe message.assumingMemoryBound(to: ProtobufCMessage.self).pointee
    var members: [Tree.Member] = []
    guard let descriptor = unsafe base.descriptor else { return .message([]) }
    for index in 0..<Int(unsafe descriptor.pointee.n_fields) {
      let field = unsafe descriptor.pointee.fields[index]
      let name = unsafe String(cString: field.name)
      let place = unsafe message + Int(field.offset)
      let quantifier = unsafe message + Int(field.quantifier_offset)
      if unsafe field.label == PROTOBUF_C_LABEL_REPEATED {
        let count = unsafe quantifier.load(as: Int.self)
        let list = unsafe place.load(as: UnsafeRawPointer?.self)
        for position in 0..<count {
          guard let list = unsafe list else { continue }
          let size = unsafe field.type == PROTOBUF_C_TYPE_BYTES ? MemoryLayout<ProtobufCBinaryData>.stride : 8
          if let value = unsafe self.value(field, list + position * size, isPresent: true) {
            members.append(.init(name: name, value: value))
          }
        }
        continue
      }
      let isOneof = unsafe field.flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0
      if isOneof, unsafe quantifier.load(as: UInt32.self) != field.id { continue }
      if let value = unsafe self.value(field, place, isPresent: isOneof) {
        members.append(.init(name: name, value: value))
      }
    }
    return .sorted(members)
  }

  /// Nil for a field that holds its default and therefore was not sent.
  private static func value(_ field: ProtobufCFieldDescriptor, _ place: UnsafeRawPointer, isPresent: Bool)
    -> Tree?
  {
    func scalar(_ value: Int64) -> Tree? { value == 0 && !isPresent ? nil : .scalar(String(value)) }
    switch unsafe field.type {
    case PROTOBUF_C_TYPE_INT64: return unsafe scalar(place.load(as: Int64.self))
    case PROTOBUF_C_TYPE_INT32, PROTOBUF_C_TYPE_ENUM, PROTOBUF_C_TYPE_BOOL:
      return unsafe scalar(Int64(place.load(as: Int32.self)))
    case PROTOBUF_C_TYPE_UINT32: return unsafe scalar(Int64(place.load(as: UInt32.self)))
    case PROTOBUF_C_TYPE_BYTES:
      let data = unsafe place.load(as: ProtobufCBinaryData.self)
      let bytes = unsafe UnsafeBufferPointer(start: data.data, count: data.len)
      return bytes.isEmpty && !isPresent ? nil : unsafe .bytes(bytes)
    case PROTOBUF_C_TYPE_MESSAGE:
      guard let nested = unsafe place.load(as: UnsafeRawPointer?.self) else { return nil }
      return unsafe self.message(nested)
    default: return .scalar("a type that no message of ours has")
    }
  }
}
