private import CProto
private import CProtobufC
internal import Octets

/// Turns wire bytes into ``CheckRequest``s, one at a time, in memory that it keeps.
///
/// protobuf-c decodes into the arena; one pass copies out what ``CheckRequest`` holds; the arena is taken back before
/// `decode` returns, so no C pointer outlives it. The texts and headers go into buffers that are used again once
/// the request before has been let go: a request that is answered at once allocates nothing.
///
/// Not shared between threads.
final class CheckRequestDecoder {
  private typealias HTTP = Envoy__Service__Auth__V3__AttributeContext__HttpRequest
  private typealias Peer = Envoy__Service__Auth__V3__AttributeContext__Peer

  private let interest: HeaderInterest
  private let tierExtension: [UInt8]
  private let arena = MessageArena()
  private var text: [UInt8] = []
  private var headers = FieldList()

  init(interest: HeaderInterest, tierExtension: [UInt8]) {
    self.interest = interest
    self.tierExtension = tierExtension
  }

  func decode(_ bytes: ArraySlice<UInt8>) throws(ProtoError) -> CheckRequest {
    self.arena.reset()
    let message = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe self.arena.withAllocator { allocator in
        unsafe envoy__service__auth__v3__check_request__unpack(allocator, bytes.count, bytes.baseAddress)
      }
    }
    guard let message = unsafe message else { throw self.arena.isExhausted ? .tooLarge : .malformed }
    self.text.removeAll(keepingCapacity: true)
    self.headers.removeAll()
    let attributes = unsafe message.pointee.attributes
    let http = unsafe attributes?.pointee.request?.pointee.http
    let source = unsafe attributes?.pointee.source
    let socket = unsafe Self.socketAddress(of: source)
    var ends = InlineArray<8, Int32>(repeating: 0)
    for part in CheckRequest.Part.allCases {
      switch part {
      case .method: unsafe self.append(http?.pointee.method)
      case .path: unsafe self.append(http?.pointee.path)
      case .host: unsafe self.append(http?.pointee.host)
      case .scheme: unsafe self.append(http?.pointee.scheme)
      case .id: unsafe self.append(http?.pointee.id)
      case .sourceAddress: unsafe self.append(socket?.pointee.address)
      case .principal: unsafe self.append(source?.pointee.principal)
      case .tier: if let attributes = unsafe attributes { unsafe self.appendTier(of: attributes) }
      }
      ends[part.rawValue] = Int32(self.text.count)
    }
    if let http = unsafe http { try unsafe self.appendHeaders(of: http) }
    return unsafe CheckRequest(
      text: self.text,
      ends: ends,
      headers: self.headers,
      sourcePort: Self.port(of: socket)
    )
  }

  private func append(_ value: ProtobufCBinaryData?) {
    if let value = unsafe value { unsafe self.text.append(contentsOf: value.buffer) }
  }

  /// A second entry of the same name makes it ambiguous: then there is none.
  private func appendTier(of attributes: UnsafeMutablePointer<Envoy__Service__Auth__V3__AttributeContext>) {
    var found: UnsafeBufferPointer<UInt8>?
    for index in 0..<(unsafe attributes.pointee.n_context_extensions) {
      guard let entry = unsafe attributes.pointee.context_extensions[index] else { continue }
      guard unsafe entry.pointee.key.buffer.elementsEqual(self.tierExtension) else { continue }
      guard unsafe found == nil else { return }
      unsafe found = unsafe entry.pointee.value.buffer
    }
    if let found = unsafe found { unsafe self.text.append(contentsOf: found) }
  }

  /// `headers` unless it is empty: with `encode_raw_headers`, and from gRPC, the lines are in `header_map`.
  private func appendHeaders(of http: UnsafeMutablePointer<HTTP>) throws(ProtoError) {
    for index in 0..<(unsafe http.pointee.n_headers) {
      let entry = unsafe http.pointee.headers[index].buffer
      if let (name, value) = unsafe HeaderEntry.split(entry) {
        unsafe self.appendHeader(name, value)
      } else {
        try unsafe self.appendUnusualHeader(entry)
      }
    }
    guard unsafe http.pointee.n_headers == 0, let map = unsafe http.pointee.header_map else { return }
    for index in 0..<(unsafe map.pointee.n_headers) {
      guard let line = unsafe map.pointee.headers[index] else { continue }
      let isRaw = unsafe line.pointee.raw_value.len > 0
      let value = unsafe isRaw ? line.pointee.raw_value : line.pointee.value
      unsafe self.appendHeader(line.pointee.key.buffer, value.buffer)
    }
  }

  /// An entry in another spelling than Envoy's: protobuf-c judges it.
  private func appendUnusualHeader(_ bytes: UnsafeBufferPointer<UInt8>) throws(ProtoError) {
    let entry = unsafe self.arena.withAllocator { allocator in
      unsafe envoy__service__auth__v3__headers_entry__unpack(
        allocator, bytes.count, bytes.baseAddress)
    }
    guard let entry = unsafe entry else { throw self.arena.isExhausted ? .tooLarge : .malformed }
    unsafe self.appendHeader(entry.pointee.key.buffer, entry.pointee.value.buffer)
  }

  private func appendHeader(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    guard let name = unsafe self.interest.match(name) else { return }
    unsafe self.headers.append(name: name, value: value)
  }

  private static func socketAddress(
    of peer: UnsafeMutablePointer<Peer>?
  ) -> UnsafeMutablePointer<Envoy__Config__Core__V3__SocketAddress>? {
    guard let address = unsafe peer?.pointee.address,
      unsafe address.pointee.address_case == ENVOY__CONFIG__CORE__V3__ADDRESS__ADDRESS_SOCKET_ADDRESS
    else { return nil }
    return unsafe address.pointee.socket_address
  }

  private static func port(of socket: UnsafeMutablePointer<Envoy__Config__Core__V3__SocketAddress>?)
    -> UInt16?
  {
    guard let socket = unsafe socket,
      unsafe socket.pointee.port_specifier_case
        == ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE
    else { return nil }
    return unsafe UInt16(exactly: socket.pointee.port_value)
  }
}

extension ProtobufCBinaryData {
  /// The bytes, in the arena.
  var buffer: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: self.data, count: self.len) }
}
