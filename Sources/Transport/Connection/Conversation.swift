internal import NIOCore

/// One protocol spoken on one connection, without the socket: bytes in, calls of the service, bytes out.
///
/// Confined to the connection's event loop.
protocol Conversation: AnyObject {
  /// Takes bytes from the peer. May call the service, never sends.
  func receive(_ bytes: UnsafeRawBufferPointer, now: NIODeadline)

  /// Appends what is to be sent, about `max` bytes, and notes the answers that begin in it.
  func produce(into out: inout ByteBuffer, max: Int, answers: inout [AnswerMark])

  /// False while the peer must wait until something was answered or sent.
  var wantsRead: Bool { get }

  /// Nothing will be received or sent any more: close once what was produced is out.
  var isFinished: Bool { get }

  /// When ``timeOut(now:)`` wants to be called.
  var nextTimeout: NIODeadline { get }

  func timeOut(now: NIODeadline)

  /// Begins a graceful stop: open requests finish, no new ones are taken.
  func drain(now: NIODeadline)

  /// The connection is gone; every answer that was not handed over is lost.
  func connectionLost()
}

/// Where in the produced bytes an answer begins whose delivery somebody wants to know.
struct AnswerMark {
  /// From the beginning of the buffer given to `produce`.
  var offset: Int
  var onDelivery: @Sendable (Delivery) -> Void
}

/// What a conversation asks of its surroundings.
protocol ConversationHost: AnyObject {
  /// Runs `work` outside the loop and `then` on it; false when too much is waited for already.
  func start(
    _ work: @escaping @Sendable () async -> HTTPResponse,
    then finish: @escaping (HTTPResponse) -> Void
  ) -> Bool

  /// Runs a stream's task; `progress` is called on the loop whenever the task has done something.
  func start(
    _ task: @escaping @Sendable (HTTPStream) async -> Void,
    progress: @escaping () -> Void
  ) -> HTTPStream?
}

/// What every conversation of a listener shares.
struct ConversationSetup {
  var service: any HTTPService
  var limits: Limits
  var timeouts: Timeouts
  var observer: any TransportObserver
  var peer: Peer

  /// The time-outs of ``Limits`` as NIO counts them.
  struct Timeouts {
    var handshake: TimeAmount
    var header: TimeAmount
    var body: TimeAmount
    var idle: TimeAmount
    var write: TimeAmount

    init(_ limits: Limits) {
      self.handshake = TimeAmount(limits.handshakeTimeout)
      self.header = TimeAmount(limits.headerTimeout)
      self.body = TimeAmount(limits.bodyTimeout)
      self.idle = TimeAmount(limits.idleTimeout)
      self.write = TimeAmount(limits.writeTimeout)
    }
  }
}

extension HTTPRequest {
  /// The call's deadline as NIO counts it.
  func deadline(from now: NIODeadline) -> NIODeadline? {
    self.deadline.map { now + TimeAmount(max(.zero, ContinuousClock.now.duration(to: $0))) }
  }
}
