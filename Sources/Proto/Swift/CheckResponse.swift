private import CProto
private import CProtobufC

/// Envoy's `CheckResponse`, read back from its wire form by protobuf-c: what Envoy sees of an answer of ours.
public struct CheckResponse: Sendable, Equatable {
  /// The oneof `http_response`.
  public enum Answer: Sendable, Equatable {
    case none
    case ok(Ok)
    case denied(Denied)
    case error(Denied)
  }

  /// A header and its `HeaderAppendAction`.
  public struct Header: Sendable, Equatable {
    public var name: String
    public var value: String
    public var appendAction: UInt32
    /// The deprecated `append` is there, whatever it says.
    public var hasAppend: Bool
  }

  public struct Ok: Sendable, Equatable {
    public var headers: [Header]
    public var headersToRemove: [String]
    public var responseHeadersToAdd: [Header]
    public var queryParametersToRemove: [String]
  }

  public struct Denied: Sendable, Equatable {
    public var status: Int32
    public var headers: [Header]
    public var body: [UInt8]
  }

  /// `google.rpc.Status.code`: 0, or no status at all, allows.
  public var code: Int32
  public var answer: Answer

  public init(wire bytes: [UInt8]) throws(ProtoError) {
    let arena = MessageArena()
    let message = unsafe arena.withAllocator { allocator in
      unsafe envoy__service__auth__v3__check_response__unpack(allocator, bytes.count, bytes)
    }
    guard let message = unsafe message else { throw arena.isExhausted ? .tooLarge : .malformed }
    defer { arena.reset() }
    self.code = unsafe message.pointee.status?.pointee.code ?? 0
    self.answer =
      switch unsafe message.pointee.http_response_case {
      case ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_OK_RESPONSE:
        unsafe .ok(Ok(message.pointee.ok_response.pointee))
      case ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_DENIED_RESPONSE:
        unsafe .denied(Denied(message.pointee.denied_response.pointee))
      case ENVOY__SERVICE__AUTH__V3__CHECK_RESPONSE__HTTP_RESPONSE_ERROR_RESPONSE:
        unsafe .error(Denied(message.pointee.error_response.pointee))
      default: .none
      }
  }
}

extension CheckResponse.Ok {
  fileprivate init(_ message: Envoy__Service__Auth__V3__OkHttpResponse) {
    unsafe self.headers = CheckResponse.Header.list(message.headers, message.n_headers)
    unsafe self.headersToRemove = texts(message.headers_to_remove, message.n_headers_to_remove)
    unsafe self.responseHeadersToAdd = CheckResponse.Header.list(
      message.response_headers_to_add, message.n_response_headers_to_add)
    unsafe self.queryParametersToRemove = texts(
      message.query_parameters_to_remove, message.n_query_parameters_to_remove)
  }
}

extension CheckResponse.Denied {
  fileprivate init(_ message: Envoy__Service__Auth__V3__DeniedHttpResponse) {
    unsafe self.status = message.status?.pointee.code ?? 0
    unsafe self.headers = CheckResponse.Header.list(message.headers, message.n_headers)
    unsafe self.body = Array(message.body.buffer)
  }
}

extension CheckResponse.Header {
  fileprivate typealias Option = Envoy__Config__Core__V3__HeaderValueOption

  fileprivate static func list(
    _ options: UnsafeMutablePointer<UnsafeMutablePointer<Option>?>?, _ count: Int
  ) -> [CheckResponse.Header] {
    (0..<count).compactMap { index in
      guard let option = unsafe options?[index] else { return nil }
      let header = unsafe option.pointee.header
      return unsafe CheckResponse.Header(
        name: text(header?.pointee.key),
        value: text(header?.pointee.value),
        appendAction: option.pointee.append_action.rawValue,
        hasAppend: option.pointee.append != nil
      )
    }
  }
}

private func texts(_ values: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int) -> [String] {
  (0..<count).map { unsafe text(values?[$0]) }
}

private func text(_ value: ProtobufCBinaryData?) -> String {
  unsafe value.map { unsafe String(decoding: $0.buffer, as: UTF8.self) } ?? ""
}
