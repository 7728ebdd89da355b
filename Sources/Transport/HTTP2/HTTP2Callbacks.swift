internal import CNghttp2
internal import Octets

/// The callback table. nghttp2 copies it, so it lives only while a session is made.
///
/// nghttp2_session_mem_recv and _mem_send must not be called from any of these; submitting is allowed.
@safe struct HTTP2Callbacks: ~Copyable {
  let handle: OpaquePointer

  init() {
    var handle: OpaquePointer?
    let code = unsafe nghttp2_session_callbacks_new(&handle)
    guard code == 0, let handle = unsafe handle else { preconditionFailure("out of memory") }
    unsafe self.handle = handle
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(handle) { _, frame, context in
      guard let frame = unsafe frame else { return 0 }
      guard unsafe UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
      let id = unsafe frame.pointee.hd.stream_id
      let isRequest = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
      unsafe Self.withSession(context) { $0.beganHeaders(id, isRequest: isRequest) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(handle) {
      _, _, name, nameCount, value, valueCount, _, context in
      let name = unsafe UnsafeBufferPointer(start: name, count: nameCount)
      let value = unsafe UnsafeBufferPointer(start: value, count: valueCount)
      let goesOn = unsafe Self.withSession(context) { unsafe $0.receivedField(name, value) }
      return goesOn ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(handle) {
      _, _, id, data, count, context in
      let bytes = unsafe UnsafeBufferPointer(start: data, count: count)
      unsafe Self.withSession(context) { unsafe $0.receivedData(id, bytes) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(handle) { _, frame, context in
      guard let frame = unsafe frame else { return 0 }
      let header = unsafe frame.pointee.hd
      let isRequestHead =
        UInt32(header.type) == NGHTTP2_HEADERS.rawValue
        && (unsafe frame.pointee.headers.cat) == NGHTTP2_HCAT_REQUEST
      unsafe Self.withSession(context) { $0.receivedFrame(header, isRequestHead: isRequestHead) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(handle) { _, id, _, context in
      unsafe Self.withSession(context) { $0.closed(id) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_before_frame_send_callback(handle) { _, frame, context in
      guard let frame = unsafe frame else { return 0 }
      unsafe Self.withSession(context) { unsafe $0.sending(frame) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(handle) { _, frame, context in
      guard let frame = unsafe frame else { return 0 }
      let header = unsafe frame.pointee.hd
      unsafe Self.withSession(context) { $0.sent(header) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(handle) { _, _, _, context in
      unsafe Self.withSession(context) { $0.note(.protocolError) }
      return 0
    }
  }

  deinit { unsafe nghttp2_session_callbacks_del(self.handle) }

  /// The session that `context` names. It outlives every callback, since only it calls nghttp2; so it is not
  /// retained here, which would cost more than most callbacks do.
  private static func withSession<T>(_ context: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> T) -> T {
    guard let session = unsafe context?.assumingMemoryBound(to: Unmanaged<HTTP2Session>?.self).pointee else {
      preconditionFailure("nghttp2 calls back before the session is made")
    }
    return unsafe session._withUnsafeGuaranteedRef { body($0) }
  }

  /// Fills one DATA frame of an answer.
  static let readBody: nghttp2_data_source_read_callback = { _, _, buffer, count, flags, source, context in
    guard let buffer = unsafe buffer, let flags = unsafe flags, let pointer = unsafe source?.pointee.ptr
    else {
      return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
    }
    let room = unsafe UnsafeMutableBufferPointer(start: buffer, count: count)
    // The session holds a stream until its close callback, and nghttp2 reads no body after that.
    let stream = unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer)
    let step = unsafe stream._withUnsafeGuaranteedRef { unsafe $0.fill(room) }
    switch step {
    case .more(let filled): return filled
    case .nothing: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    case .cutOff: return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    case .end(let filled):
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      return filled
    case .endWithStatusOK(let filled):
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      let id = unsafe stream._withUnsafeGuaranteedRef { $0.id }
      unsafe Self.withSession(context) { unsafe $0.submitTrailers(id, $0.fixedFields.statusOK, 1) }
      return filled
    case .endWithTrailers(let trailers):
      unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      let id = unsafe stream._withUnsafeGuaranteedRef { $0.id }
      unsafe HTTP2FieldBlock.with(status: nil, trailers) { fields, count in
        unsafe Self.withSession(context) { unsafe $0.submitTrailers(id, fields, count) }
      }
      return 0
    }
  }
}

/// Options of a session. nghttp2 copies them.
@safe struct HTTP2Options: ~Copyable {
  let handle: OpaquePointer

  init(_ limits: Limits) {
    var handle: OpaquePointer?
    let code = unsafe nghttp2_option_new(&handle)
    guard code == 0, let handle = unsafe handle else { preconditionFailure("out of memory") }
    unsafe self.handle = handle
    // Closed streams are kept only for the old priority tree, which nobody uses (RFC 9113 §5.3.2).
    unsafe nghttp2_option_set_no_closed_streams(handle, 1)
    // Windows open as bodies are read.
    unsafe nghttp2_option_set_no_auto_window_update(handle, 1)
    unsafe nghttp2_option_set_max_outbound_ack(handle, limits.outboundAcknowledgements)
    unsafe nghttp2_option_set_max_settings(handle, limits.settingsEntries)
    unsafe nghttp2_option_set_max_continuations(handle, limits.continuations)
    // A second guard behind our own counter, which says ENHANCE_YOUR_CALM.
    let rate = UInt64(limits.resetsPerSecond)
    unsafe nghttp2_option_set_stream_reset_rate_limit(handle, rate * 2, rate)
  }

  deinit { unsafe nghttp2_option_del(self.handle) }
}
