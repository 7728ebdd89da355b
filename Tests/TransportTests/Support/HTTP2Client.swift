import CNghttp2

/// A client's nghttp2 session without a socket.
@safe final class HTTP2Client {
  struct Answer: Equatable {
    var fields: [String: String] = [:]
    var body: [UInt8] = []
    var isEnded = false
    /// HEADERS frames; one that also ends the stream is a trailers-only answer.
    var blocks = 0
    var closeCode: UInt32?

    var text: String { String(decoding: self.body, as: UTF8.self) }
  }

  struct GoAway: Equatable {
    var last: Int32
    var code: UInt32
  }

  final class Inbox {
    var answers: [Int32: Answer] = [:]
    var goAways: [GoAway] = []
  }

  private let handle: OpaquePointer
  let inbox = Inbox()
  /// Kept as long as the session may read them.
  private var sources: [BodySource] = []

  var answers: [Int32: Answer] { self.inbox.answers }

  init(windowBytes: UInt32 = 65_535) {
    var callbacks: OpaquePointer?
    unsafe nghttp2_session_callbacks_new(&callbacks)
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, n, value, v, _, context in
      let inbox = unsafe Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
      let key = unsafe String(decoding: UnsafeBufferPointer(start: name, count: n), as: UTF8.self)
      let text = unsafe String(decoding: UnsafeBufferPointer(start: value, count: v), as: UTF8.self)
      unsafe inbox.answers[frame!.pointee.hd.stream_id, default: Answer()].fields[key] = text
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, data, count, context in
      let inbox = unsafe Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
      unsafe inbox.answers[id, default: Answer()].body.append(
        contentsOf: UnsafeBufferPointer(start: data, count: count))
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
      let inbox = unsafe Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
      let header = unsafe frame!.pointee.hd
      if UInt32(header.type) == NGHTTP2_GOAWAY.rawValue {
        let goAway = unsafe frame!.pointee.goaway
        inbox.goAways.append(unsafe GoAway(last: goAway.last_stream_id, code: goAway.error_code))
        return 0
      }
      if header.type == 1 { inbox.answers[header.stream_id, default: Answer()].blocks += 1 }
      if header.flags & 1 != 0, header.type <= 1 {
        inbox.answers[header.stream_id, default: Answer()].isEnded = true
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, context in
      let inbox = unsafe Unmanaged<Inbox>.fromOpaque(context!).takeUnretainedValue()
      inbox.answers[id, default: Answer()].closeCode = code
      return 0
    }
    var handle: OpaquePointer?
    unsafe nghttp2_session_client_new(&handle, callbacks, Unmanaged.passUnretained(self.inbox).toOpaque())
    unsafe nghttp2_session_callbacks_del(callbacks)
    unsafe self.handle = handle!
    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: windowBytes)
    ]
    unsafe nghttp2_submit_settings(self.handle, 0, settings, 1)
  }

  deinit { unsafe nghttp2_session_del(self.handle) }

  /// Submits a request; with `ends: false` the body goes on by ``send(_:_:ends:)`` never, the stream stays open.
  @discardableResult
  func request(
    _ path: String,
    method: String = "GET",
    fields: [(String, String)] = [],
    body: [UInt8]? = nil,
    ends: Bool = true
  ) -> Int32 {
    let all = [(":method", method), (":scheme", "http"), (":authority", "test"), (":path", path)] + fields
    return self.submit(all, body: body, ends: ends)
  }

  func submit(_ fields: [(String, String)], body: [UInt8]? = nil, ends: Bool = true) -> Int32 {
    var bytes: [UInt8] = []
    for (name, value) in fields { bytes += Array(name.utf8) + Array(value.utf8) }
    return unsafe bytes.withUnsafeMutableBufferPointer { memory in
      var position = memory.baseAddress!
      var block: [nghttp2_nv] = unsafe []
      for (name, value) in fields {
        let start = unsafe position + name.utf8.count
        unsafe block.append(
          nghttp2_nv(
            name: position, value: start, namelen: name.utf8.count, valuelen: value.utf8.count, flags: 0))
        unsafe position = start + value.utf8.count
      }
      if body == nil, ends {
        return unsafe nghttp2_submit_request(self.handle, nil, block, block.count, nil, nil)
      }
      let source = BodySource(bytes: body ?? [], ends: ends)
      var provider = unsafe nghttp2_data_provider()
      self.sources.append(source)
      unsafe provider.source.ptr = Unmanaged.passUnretained(source).toOpaque()
      unsafe provider.read_callback = { _, _, buffer, room, flags, source, _ in
        let body = unsafe Unmanaged<BodySource>.fromOpaque(source!.pointee.ptr).takeUnretainedValue()
        let count = min(room, body.bytes.count - body.offset)
        for index in 0..<count { unsafe buffer![index] = body.bytes[body.offset + index] }
        body.offset += count
        if body.offset == body.bytes.count {
          if body.ends {
            unsafe flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
          } else if count == 0 {
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
          }
        }
        return count
      }
      return unsafe nghttp2_submit_request(self.handle, nil, block, block.count, &provider, nil)
    }
  }

  func reset(_ id: Int32) { unsafe nghttp2_submit_rst_stream(self.handle, 0, id, NGHTTP2_CANCEL.rawValue) }

  func ping() { unsafe nghttp2_submit_ping(self.handle, 0, nil) }

  /// False when the server broke the protocol.
  @discardableResult
  func receive(_ bytes: [UInt8]) -> Bool {
    unsafe nghttp2_session_mem_recv(self.handle, bytes, bytes.count) == bytes.count
  }

  func output() -> [UInt8] {
    var out: [UInt8] = []
    while true {
      var pointer: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(self.handle, &pointer)
      if count <= 0 { return out }
      unsafe out.append(contentsOf: UnsafeBufferPointer(start: pointer, count: count))
    }
  }

  private final class BodySource {
    let bytes: [UInt8]
    let ends: Bool
    var offset = 0

    init(bytes: [UInt8], ends: Bool) {
      self.bytes = bytes
      self.ends = ends
    }
  }
}
