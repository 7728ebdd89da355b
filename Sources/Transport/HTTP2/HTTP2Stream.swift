internal import NIOCore
internal import Octets

/// What a connection keeps of one HTTP/2 stream. Used again for other streams, so that a request costs no allocation.
final class HTTP2Stream {
  enum Phase {
    /// HEADERS are arriving.
    case head
    /// The body is collected for a `whole` request.
    case collecting
    /// The body goes to a task in parts.
    case streaming
    /// The service's answer is waited for.
    case waiting
    /// The answer was given to nghttp2.
    case answered
  }

  /// How the payload is framed and ended.
  enum Framing {
    case plain
    /// One length-prefixed message, then `grpc-status: 0` as trailer.
    case grpc
    /// Parts from a task.
    case parts
  }

  var id: Int32 = 0
  private var owner: UInt64 = 0
  /// Its place among the session's live streams.
  var slot = 0
  var phase = Phase.head
  var isOpen = false
  /// The peer has ended its side.
  var isComplete = false
  var request: HTTPRequest
  var headerBytes = 0
  var headerCount = 0
  var hasOversizedHead = false
  /// A `data` event is waiting for this stream.
  var hasDataEvent = false
  var maxBodyBytes = Int.max
  /// Body bytes now counted against the connection's limit.
  var heldBytes = 0
  var deadline = NIODeadline.distantFuture
  /// Something was sent since the deadline was set.
  var hasProgressed = false

  var payload: [UInt8] = []
  var payloadOffset = 0
  var framing = Framing.plain
  var onDelivery: (@Sendable (Delivery) -> Void)?
  var parts: HTTPStream?

  init(request: HTTPRequest) { self.request = request }

  /// - Parameter owner: the session's number in the pool; the peer is that of the session.
  func begin(id: Int32, owner: UInt64, peer: Peer) {
    self.id = id
    self.isOpen = true
    guard self.owner != owner else { return }
    self.owner = owner
    self.request.peer = peer
  }

  /// Back to the beginning, with the memory kept unless it grew large.
  func reset() {
    self.phase = .head
    self.isOpen = false
    self.isComplete = false
    if isKnownUniquelyReferenced(&self.request), self.request.body.capacity <= HTTP2StreamPool.maxKeptBytes {
      self.request.reset()
    } else {
      self.request = HTTPRequest(peer: self.request.peer)
    }
    self.headerBytes = 0
    self.headerCount = 0
    self.hasOversizedHead = false
    self.hasDataEvent = false
    self.maxBodyBytes = Int.max
    self.heldBytes = 0
    self.deadline = .distantFuture
    self.hasProgressed = false
    self.payload = []
    self.payloadOffset = 0
    self.framing = .plain
    self.onDelivery = nil
    self.parts = nil
  }
}

/// Streams that wait to be used again; one pool for all connections of an event loop.
final class HTTP2StreamPool {
  /// A stream whose body memory grew beyond this gives it back.
  static let maxKeptBytes = 16 * 1024
  /// With ``maxKeptBytes`` at most 8 MiB for each event loop.
  static let maxKeptStreams = 512

  private var free: [HTTP2Stream] = []
  private var sessions: UInt64 = 0
  /// Used by one session at a time, and empty in between.
  var scratch = HTTP2FieldScratch()

  /// A number that no other session of this pool has.
  func nextSession() -> UInt64 {
    self.sessions += 1
    return self.sessions
  }

  func take(id: Int32, for session: UInt64, peer: Peer) -> HTTP2Stream {
    let stream = self.free.popLast() ?? HTTP2Stream(request: HTTPRequest(peer: peer))
    stream.begin(id: id, owner: session, peer: peer)
    return stream
  }

  func give(_ stream: HTTP2Stream) {
    guard self.free.count < Self.maxKeptStreams else { return }
    stream.reset()
    self.free.append(stream)
  }
}
