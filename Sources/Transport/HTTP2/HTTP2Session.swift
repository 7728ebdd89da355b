internal import CNghttp2
internal import NIOCore
internal import Octets

/// Something the peer did on a stream.
enum HTTP2Event {
  case head(HTTP2Stream)
  /// More of the body is in `request.body`; given only after `head` was taken.
  case data(HTTP2Stream)
  /// The request is whole.
  case end(HTTP2Stream)
  /// The stream is gone; its record may be recycled after this event.
  case closed(HTTP2Stream)
}

/// The server's end of an HTTP/2 connection as a pure protocol engine on nghttp2: bytes in, events out, bytes out.
///
/// No socket, no clock. Not `Sendable`: whoever owns the connection owns the session.
@safe final class HTTP2Session {
  /// nghttp2's handle; freed in `deinit`.
  private let handle: OpaquePointer
  private let limits: Limits
  private let peer: Peer
  private let pool: HTTP2StreamPool
  let fixedFields = HTTP2FixedFields()
  /// Tells this session's streams in the pool from others'.
  private let number: UInt64
  private(set) var live: [HTTP2Stream] = []
  private var events: [HTTP2Event] = []
  /// The stream whose header block is arriving.
  private var current: HTTP2Stream?
  private(set) var headerBlockSince: NIODeadline?
  /// Of the header block that is arriving.
  private var headerBytes = 0
  private var headerCount = 0
  /// False for trailers, which nobody reads.
  private var fieldsAreWanted = false
  private var now = NIODeadline.uptimeNanoseconds(0)
  private var resets: RateCounter
  private var controlFrames: RateCounter
  private(set) var failure: TransportFailure?
  private var isBroken = false
  private(set) var pingAcknowledged = false
  /// Body bytes in memory for all streams.
  private(set) var heldBytes = 0
  private var producedBytes = 0
  private var answers: [AnswerMark] = []
  private var hasEarlyAnswers = false

  init(limits: Limits, peer: Peer, pool: HTTP2StreamPool) {
    self.limits = limits
    self.peer = peer
    self.pool = pool
    self.number = pool.nextSession()
    self.resets = RateCounter(perSecond: limits.resetsPerSecond)
    self.controlFrames = RateCounter(perSecond: limits.controlFramesPerSecond)
    let callbacks = HTTP2Callbacks()
    let options = HTTP2Options(limits)
    let context = UnsafeMutablePointer<Unmanaged<HTTP2Session>?>.allocate(capacity: 1)
    unsafe context.initialize(to: nil)
    unsafe self.context = context
    var handle: OpaquePointer?
    let code = unsafe nghttp2_session_server_new2(&handle, callbacks.handle, context, options.handle)
    // NGHTTP2_ERR_NOMEM is its only error.
    guard code == 0, let handle = unsafe handle else { preconditionFailure("out of memory") }
    unsafe self.handle = handle
    unsafe context.pointee = Unmanaged.passUnretained(self)
    self.submitSettings()
  }

  /// Where callbacks find the session; one pointer, since `self` does not exist yet when nghttp2 wants to know.
  private let context: UnsafeMutablePointer<Unmanaged<HTTP2Session>?>

  deinit {
    unsafe nghttp2_session_del(self.handle)
    unsafe self.context.deallocate()
  }

  private func submitSettings() {
    let limits = self.limits
    let settings: [(nghttp2_settings_id, Int)] = [
      (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams),
      (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
      (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerBytes),
    ]
    let entries = settings.map {
      nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: UInt32(clamping: $0.1))
    }
    // Errors: invalid values (our misuse) and no memory.
    let code = unsafe nghttp2_submit_settings(self.handle, 0, entries, entries.count)
    precondition(code == 0, "the limits make no valid SETTINGS")
    unsafe nghttp2_session_set_local_window_size(
      self.handle, 0, 0, Int32(clamping: limits.connectionWindowBytes))
  }

  // MARK: bytes in, events out

  /// Takes bytes from the peer; what they meant is in ``takeEvents()``.
  func receive(_ bytes: UnsafeRawBufferPointer, now: NIODeadline) {
    self.now = now
    guard !self.isBroken else { return }
    let start = unsafe bytes.bindMemory(to: UInt8.self).baseAddress
    let count = unsafe nghttp2_session_mem_recv(self.handle, start, bytes.count)
    self.emptyScratch()
    // Negative: a broken preface, a flood, no memory, or a callback that gave up. The connection is of no more use;
    // a GOAWAY that nghttp2 has queued still goes out.
    if count < 0 {
      self.isBroken = true
      self.note(count == Int(NGHTTP2_ERR_FLOODED.rawValue) ? .limit : .protocolError)
      unsafe nghttp2_session_terminate_session(self.handle, NGHTTP2_PROTOCOL_ERROR.rawValue)
    }
  }

  /// The events since the last call. Give the array back by ``recycle(_:)`` so that its memory is used again.
  func takeEvents() -> [HTTP2Event] {
    guard !self.events.isEmpty else { return [] }
    var taken: [HTTP2Event] = []
    swap(&taken, &self.events)
    return taken
  }

  func recycle(_ events: consuming [HTTP2Event]) {
    guard self.events.isEmpty else { return }
    events.removeAll(keepingCapacity: true)
    self.events = events
  }

  /// Puts a closed stream back into the pool.
  func recycle(_ stream: HTTP2Stream) { self.pool.give(stream) }

  // MARK: bytes out

  var wantsWrite: Bool { unsafe nghttp2_session_want_write(self.handle) != 0 }

  /// Neither side has anything more to say.
  var isDone: Bool {
    let wantsRead = unsafe nghttp2_session_want_read(self.handle) != 0 && !self.isBroken
    return !wantsRead && !self.wantsWrite
  }

  func produce(into out: inout ByteBuffer, max: Int, answers: inout [AnswerMark]) {
    let start = out.writerIndex
    self.producedBytes = 0
    while self.producedBytes < max {
      var pointer: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(self.handle, &pointer)
      guard count > 0 else {
        // NGHTTP2_ERR_NOMEM or a callback's failure.
        if count < 0 { self.isBroken = true }
        break
      }
      unsafe out.writeBytes(UnsafeRawBufferPointer(start: pointer, count: count))
      self.producedBytes = out.writerIndex - start
    }
    if !self.answers.isEmpty {
      answers.append(contentsOf: self.answers)
      self.answers.removeAll(keepingCapacity: true)
    }
  }

  // MARK: ending

  /// The first step of a graceful stop (RFC 9113 §6.8): no number yet, and a PING to know when the peer has read it.
  func announceShutdown() {
    unsafe nghttp2_submit_shutdown_notice(self.handle)
    unsafe nghttp2_submit_ping(self.handle, 0, nil)
  }

  /// The second step: GOAWAY with the last stream that was taken up.
  func refuseNewStreams() {
    let last = unsafe nghttp2_session_get_last_proc_stream_id(self.handle)
    unsafe nghttp2_submit_goaway(self.handle, 0, last, NGHTTP2_NO_ERROR.rawValue, nil, 0)
  }

  /// GOAWAY, and nothing more is read.
  func terminate(_ code: HTTP2ErrorCode) {
    unsafe nghttp2_session_terminate_session(self.handle, code.rawValue)
  }

  func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    guard stream.isOpen else { return }
    unsafe nghttp2_submit_rst_stream(self.handle, 0, stream.id, code.rawValue)
  }

  /// The live stream with this number, if it is still open.
  func stream(_ id: Int32) -> HTTP2Stream? {
    guard let pointer = unsafe nghttp2_session_get_stream_user_data(self.handle, id) else { return nil }
    return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Gives the peer room for `count` more bytes of a stream that is read in parts.
  func release(_ count: Int, of stream: HTTP2Stream) {
    self.heldBytes -= count
    stream.heldBytes -= count
    if stream.isOpen { unsafe nghttp2_session_consume_stream(self.handle, stream.id, count) }
  }

  /// Nobody will read what is here of the body.
  func dropBody(of stream: HTTP2Stream) {
    self.heldBytes -= stream.heldBytes
    stream.heldBytes = 0
    stream.request.body.removeAll()
  }

  // MARK: answers

  /// Submits a head; `read` says where its body comes from, nil means there is none.
  func submitHead(_ stream: HTTP2Stream, _ fields: UnsafePointer<nghttp2_nv>?, _ count: Int, hasBody: Bool) {
    var provider = unsafe nghttp2_data_provider()
    unsafe provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
    unsafe provider.read_callback = HTTP2Callbacks.readBody
    stream.phase = .answered
    // Errors: no memory, or a second answer (our misuse).
    let code =
      hasBody
      ? unsafe nghttp2_submit_response(self.handle, stream.id, fields, count, &provider)
      : unsafe nghttp2_submit_response(self.handle, stream.id, fields, count, nil)
    precondition(code == 0, "nghttp2 refused an answer")
    if !stream.isComplete { self.hasEarlyAnswers = true }
  }

  /// More can be read from a stream's parts.
  func resume(_ stream: HTTP2Stream) { unsafe nghttp2_session_resume_data(self.handle, stream.id) }

  func submitTrailers(_ id: Int32, _ fields: UnsafePointer<nghttp2_nv>?, _ count: Int) {
    unsafe nghttp2_submit_trailer(self.handle, id, fields, count)
  }

  // MARK: what nghttp2 calls back

  func beganHeaders(_ id: Int32, isRequest: Bool) {
    self.headerBlockSince = self.now
    if isRequest {
      let stream = self.pool.take(id: id, for: self.number, peer: self.peer)
      stream.slot = self.live.count
      self.live.append(stream)
      self.current = stream
      self.headerBytes = 0
      self.headerCount = 0
      self.fieldsAreWanted = true
      unsafe nghttp2_session_set_stream_user_data(
        self.handle, id, Unmanaged.passUnretained(stream).toOpaque())
    } else {
      // Trailers count with the head before them, as far as that was seen.
      self.current = self.stream(id)
      self.headerBytes = self.current?.headerBytes ?? 0
      self.headerCount = self.current?.headerCount ?? 0
      self.fieldsAreWanted = false
    }
  }

  /// False when the peer goes on far beyond the limit: the connection ends.
  func receivedField(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    // Counted here and not on the stream: this runs a dozen times for each request.
    // The size of a field as SETTINGS_MAX_HEADER_LIST_SIZE counts it, RFC 9113 §6.5.2.
    self.headerBytes += name.count + value.count + 32
    self.headerCount += 1
    guard self.headerBytes <= self.limits.headerBytes, self.headerCount <= self.limits.headerCount else {
      self.current?.hasOversizedHead = true
      self.note(.limit)
      // Up to here the stream gets an answer. A bomb that goes on costs a callback a field, so it is cut off.
      return self.headerBytes <= self.limits.headerBytes * 4
    }
    guard self.fieldsAreWanted, unsafe !self.pool.scratch.put(name, value) else { return true }
    guard let stream = self.current else { return true }
    self.pool.scratch.empty(into: stream.request)
    if unsafe !self.pool.scratch.put(name, value) { unsafe stream.request.appendHTTP2Field(name, value) }
    return true
  }

  /// The pool is shared: what is left in it must not meet another connection.
  private func emptyScratch() {
    guard !self.pool.scratch.isEmpty else { return }
    if let stream = self.current {
      self.pool.scratch.empty(into: stream.request)
    } else {
      self.pool.scratch.clear()
    }
  }

  func receivedData(_ id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
    guard let stream = self.stream(id) else {
      unsafe nghttp2_session_consume_connection(self.handle, bytes.count)
      return
    }
    switch stream.phase {
    case .head, .collecting:
      unsafe nghttp2_session_consume(self.handle, id, bytes.count)
    case .streaming, .waiting, .answered:
      // A stream's own window opens as its task reads.
      unsafe nghttp2_session_consume_connection(self.handle, bytes.count)
      if stream.parts == nil { return }
    }
    unsafe stream.request.body.append(contentsOf: bytes)
    self.heldBytes += bytes.count
    stream.heldBytes += bytes.count
    if stream.phase != .head, !stream.hasDataEvent {
      stream.hasDataEvent = true
      self.events.append(.data(stream))
    }
  }

  func receivedFrame(_ header: nghttp2_frame_hd, isRequestHead: Bool) {
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
      self.emptyScratch()
      self.headerBlockSince = nil
      self.current = nil
      guard let stream = self.stream(header.stream_id) else { return }
      stream.headerBytes = self.headerBytes
      stream.headerCount = self.headerCount
      if isRequestHead { self.events.append(.head(stream)) }
      if header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 { self.ended(stream) }
    case NGHTTP2_DATA.rawValue:
      if header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
        guard let stream = self.stream(header.stream_id) else { return }
        self.ended(stream)
      } else if header.length == 0 {
        self.countControlFrame()
      }
    case NGHTTP2_RST_STREAM.rawValue:
      self.countReset()
    case NGHTTP2_PING.rawValue:
      if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 { self.pingAcknowledged = true }
      self.countControlFrame()
    case NGHTTP2_SETTINGS.rawValue, NGHTTP2_PRIORITY.rawValue:
      self.countControlFrame()
    default: break
    }
  }

  private func ended(_ stream: HTTP2Stream) {
    stream.isComplete = true
    self.events.append(.end(stream))
  }

  func closed(_ id: Int32) {
    guard let stream = self.stream(id) else { return }
    stream.isOpen = false
    if self.current === stream {
      self.emptyScratch()
      self.current = nil
    }
    self.heldBytes -= stream.heldBytes
    stream.heldBytes = 0
    let last = self.live.removeLast()
    if last !== stream {
      self.live[stream.slot] = last
      last.slot = stream.slot
    }
    self.events.append(.closed(stream))
  }

  /// Before a frame is written: notes where answers begin, and counts resets of ours.
  func sending(_ frame: UnsafePointer<nghttp2_frame>) {
    switch UInt32(unsafe frame.pointee.hd.type) {
    case NGHTTP2_HEADERS.rawValue:
      guard let stream = self.stream(unsafe frame.pointee.hd.stream_id) else { return }
      stream.hasProgressed = true
      if let onDelivery = stream.onDelivery.take() {
        self.answers.append(AnswerMark(offset: self.producedBytes, onDelivery: onDelivery))
      }
    case NGHTTP2_RST_STREAM.rawValue:
      // A peer that makes us reset streams costs as much as one that resets them (CVE-2025-8671).
      if unsafe frame.pointee.rst_stream.error_code != NGHTTP2_NO_ERROR.rawValue { self.countReset() }
    default: break
    }
  }

  /// After a frame was written: an answer that ended before its request tells the peer to stop (RFC 9113 §8.1).
  func sent(_ header: nghttp2_frame_hd) {
    guard self.hasEarlyAnswers, header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 else { return }
    guard
      UInt32(header.type) == NGHTTP2_HEADERS.rawValue || UInt32(header.type) == NGHTTP2_DATA.rawValue,
      let stream = self.stream(header.stream_id), !stream.isComplete
    else { return }
    unsafe nghttp2_submit_rst_stream(self.handle, 0, header.stream_id, NGHTTP2_NO_ERROR.rawValue)
  }

  private func countReset() {
    if self.resets.exceeds(at: self.now) { self.calmDown() }
  }

  private func countControlFrame() {
    if self.controlFrames.exceeds(at: self.now) { self.calmDown() }
  }

  private func calmDown() {
    self.note(.limit)
    self.terminate(.enhanceYourCalm)
  }

  func note(_ failure: TransportFailure) { if self.failure == nil { self.failure = failure } }

  func takeFailure() -> TransportFailure? { self.failure.take() }
}

/// Error codes of RFC 9113 §7 that we send.
enum HTTP2ErrorCode: UInt32 {
  case noError = 0x0
  case internalError = 0x2
  case refusedStream = 0x7
  case cancel = 0x8
  case enhanceYourCalm = 0xB
}
