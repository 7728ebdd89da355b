internal import NIOCore
internal import Octets

/// One accepted connection: reads the socket, unwraps TLS, finds out the protocol, and lets a ``Conversation`` speak.
///
/// All output of one wake-up goes out in one write. Nothing more is read while the peer does not read.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Stage {
    /// The TLS handshake, or the first bytes of a protocol.
    case opening
    case talking(any Conversation)
    /// Our side has ended; what the peer still sends is dropped until it ends too.
    case lingering
    case closed
  }

  /// Asked to be sent when a stop begins.
  enum Signal { case drain }

  /// Output made for one write; about the size of a socket's buffer.
  private static let batchBytes = 48 * 1024
  /// How long a peer that still sends is listened to after our end, so that it can read our answer: a close with
  /// unread input would be a reset, and take the answer with it.
  private static let lingerTime: TimeAmount = .seconds(2)

  let setup: ConversationSetup
  private let host: ConnectionHost
  private let tls: TLSSession?
  private let openedAt: NIODeadline
  private var stage = Stage.opening
  private var firstBytes = ByteBuffer()
  private let memory: LoopMemory
  private var context: ChannelHandlerContext?
  private var readIsHeld = false
  private var deliveries = DeliveryQueue()
  private var marks: [AnswerMark] = []
  private var timer: Scheduled<Void>?
  private var timerAt = NIODeadline.distantFuture
  private var writeDeadline = NIODeadline.distantFuture
  private var unwrittenAtDeadline = 0
  private var isClosing = false
  private var isDraining = false
  private var isFlushing = false

  init(setup: ConversationSetup, host: ConnectionHost, tls: TLSSession?, isDraining: Bool) {
    self.setup = setup
    self.host = host
    self.memory = host.memory
    self.tls = tls
    self.isDraining = isDraining
    self.openedAt = .now()
  }

  // MARK: channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    self.host.attach(self, loop: context.eventLoop)
    self.armTimer()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.finish()
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = Self.unwrapInboundIn(data)
    self.setup.observer.received(bytes: bytes.readableBytes)
    let now = NIODeadline.now()
    if let tls {
      self.memory.decrypted.clear()
      unsafe bytes.withUnsafeReadableBytes { unsafe tls.receive($0, plain: &self.memory.decrypted) }
      if self.memory.decrypted.readableBytes > 0 { self.take(self.memory.decrypted, now: now) }
      self.checkTLS(tls)
    } else {
      self.take(bytes, now: now)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { self.flush() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      self.writeDeadline = .distantFuture
      self.flush()
    }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.finish()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .drain? = event as? Signal {
      self.drain()
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// NIO asks to read after every read; not while the peer must wait.
  func read(context: ChannelHandlerContext) {
    if self.mayRead(context) { context.read() } else { self.readIsHeld = true }
  }

  private func mayRead(_ context: ChannelHandlerContext) -> Bool {
    switch self.stage {
    case .opening, .lingering: true
    case .talking(let conversation): conversation.wantsRead && context.channel.isWritable
    case .closed: false
    }
  }

  // MARK: input

  private func take(_ bytes: ByteBuffer, now: NIODeadline) {
    switch self.stage {
    case .talking(let conversation):
      unsafe bytes.withUnsafeReadableBytes { unsafe conversation.receive($0, now: now) }
    case .opening:
      var bytes = bytes
      self.firstBytes.writeBuffer(&bytes)
      guard let conversation = self.chooseConversation(now: now) else { return }
      self.stage = .talking(conversation)
      if self.isDraining { conversation.drain(now: now) }
      unsafe self.firstBytes.withUnsafeReadableBytes { unsafe conversation.receive($0, now: now) }
      self.firstBytes = ByteBuffer()
    case .lingering, .closed: break
    }
  }

  /// By ALPN, else by the preface of HTTP/2 (RFC 9113 §3.4): no HTTP/1 method begins with `PRI `.
  private func chooseConversation(now: NIODeadline) -> (any Conversation)? {
    var setup = self.setup
    setup.peer.tls = self.tls?.peer
    switch self.tls?.applicationProtocol {
    case .http2:
      return HTTP2Connection(setup: setup, pool: self.host.memory.streams, host: self.host, now: now)
    case .http1: return HTTP1Connection(setup: setup, host: self.host, now: now)
    case nil: break
    }
    let preface = "PRI ".utf8
    let begin = self.firstBytes.readableBytesView.prefix(preface.count)
    guard preface.starts(with: begin) else { return HTTP1Connection(setup: setup, host: self.host, now: now) }
    guard begin.count == preface.count else { return nil }
    return HTTP2Connection(setup: setup, pool: self.host.memory.streams, host: self.host, now: now)
  }

  private func checkTLS(_ tls: TLSSession) {
    switch tls.state {
    case .handshaking, .established: break
    case .closed: self.beginClose()
    case .failed:
      self.setup.observer.failed(.handshake)
      self.beginClose()
    }
  }

  // MARK: output

  /// Sends what the conversation has, in as few writes as it fits, and ends the connection when it is finished.
  func flush() {
    // Closures called on the way may want to flush again; the loop below does it for them.
    guard !self.isFlushing, let context = self.context else { return }
    self.isFlushing = true
    defer { self.isFlushing = false }
    if let tls { self.sendHandshake(tls, context) }
    while case .talking(let conversation) = self.stage, context.channel.isWritable {
      self.memory.output.clear()
      conversation.produce(into: &self.memory.output, max: Self.batchBytes, answers: &self.marks)
      guard self.memory.output.readableBytes > 0 else { break }
      self.write(context)
    }
    if case .talking(let conversation) = self.stage, conversation.isFinished { self.beginClose() }
    self.settle(context)
    if self.readIsHeld, self.mayRead(context) {
      self.readIsHeld = false
      context.read()
    }
    self.armTimer()
  }

  private func write(_ context: ChannelHandlerContext) {
    guard let tls else { return self.send(self.memory.output, context) }
    guard tls.send(self.memory.output) else { return context.close(promise: nil) }
    self.memory.encrypted.clear()
    tls.takeOutput(into: &self.memory.encrypted)
    // Records have no place for a mark: the answers of a batch share its beginning.
    for index in self.marks.indices { self.marks[index].offset = 0 }
    self.send(self.memory.encrypted, context)
  }

  private func sendHandshake(_ tls: TLSSession, _ context: ChannelHandlerContext) {
    self.memory.encrypted.clear()
    tls.takeOutput(into: &self.memory.encrypted)
    if self.memory.encrypted.readableBytes > 0 { self.send(self.memory.encrypted, context) }
  }

  private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    self.setup.observer.sent(bytes: bytes.readableBytes)
    guard !self.marks.isEmpty else {
      self.deliveries.sent(bytes: bytes.readableBytes)
      return context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
    }
    self.deliveries.add(self.marks)
    self.marks.removeAll(keepingCapacity: true)
    self.deliveries.sent(bytes: bytes.readableBytes)
    let written = context.eventLoop.makePromise(of: Void.self)
    // A failure means that the channel closes: what was not written until then is lost by `finish`.
    written.futureResult.assumeIsolated().whenSuccess { [self] in
      if let context = self.context { self.settle(context) }
    }
    context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: written)
    self.settle(context)
  }

  /// Tells who wanted to know that their answers have begun to go out.
  private func settle(_ context: ChannelHandlerContext) {
    guard !self.deliveries.isEmpty, context.channel.isActive else { return }
    self.deliveries.settle(unwritten: self.unwrittenBytes(context))
  }

  private func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
    // Sockets have the option; a channel without it is a bug.
    guard let options = context.channel.syncOptions else {
      preconditionFailure("a socket channel has options")
    }
    do {
      return try options.getOption(ChannelOptions.bufferedWritableBytes)
    } catch {
      return 0  // the channel is closed, which channelInactive handles
    }
  }

  // MARK: the end

  private func drain() {
    self.isDraining = true
    if case .talking(let conversation) = self.stage {
      conversation.drain(now: .now())
      self.flush()
    } else if case .opening = self.stage, self.firstBytes.readableBytes == 0 {
      self.beginClose()
    }
  }

  /// Lets what is written go out, ends our side, and waits a little for the peer's end.
  private func beginClose() {
    guard !self.isClosing, let context = self.context else { return }
    self.isClosing = true
    if case .talking(let conversation) = self.stage { conversation.connectionLost() }
    self.stage = .lingering
    if let tls {
      tls.close()
      self.sendHandshake(tls, context)
    }
    self.writeDeadline = .now() + self.setup.timeouts.write
    self.unwrittenAtDeadline = self.unwrittenBytes(context)
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenSuccess { [self] in self.linger() }
    context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: written)
    self.armTimer()
  }

  private func linger() {
    guard let context = self.context else { return }
    self.settle(context)
    self.writeDeadline = .now() + Self.lingerTime
    self.unwrittenAtDeadline = 0
    context.close(mode: .output, promise: nil)
    self.armTimer()
  }

  private func finish() {
    if case .talking(let conversation) = self.stage { conversation.connectionLost() }
    self.stage = .closed
    self.deliveries.lose()
    self.timer?.cancel()
    self.timer = nil
    self.host.detach()
  }

  // MARK: time

  private func armTimer() {
    guard let context = self.context else { return }
    if self.writeDeadline == .distantFuture, !context.channel.isWritable {
      self.writeDeadline = .now() + self.setup.timeouts.write
      self.unwrittenAtDeadline = self.unwrittenBytes(context)
    }
    let due = min(self.writeDeadline, self.stageDeadline)
    // A timer that comes too early only looks again; so the hot path leaves it alone.
    guard due < self.timerAt else { return }
    self.timer?.cancel()
    self.timerAt = due
    self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { [self] in self.timeOut() }
  }

  private var stageDeadline: NIODeadline {
    switch self.stage {
    case .opening: self.openedAt + self.setup.timeouts.handshake
    case .talking(let conversation): conversation.nextTimeout
    case .lingering, .closed: .distantFuture
    }
  }

  private func timeOut() {
    self.timerAt = .distantFuture
    guard let context = self.context else { return }
    let now = NIODeadline.now()
    if self.writeDeadline <= now {
      let unwritten = self.unwrittenBytes(context)
      guard unwritten < self.unwrittenAtDeadline else {
        if unwritten > 0 { self.setup.observer.failed(.timeout) }
        return context.close(promise: nil)
      }
      self.unwrittenAtDeadline = unwritten
      self.writeDeadline = now + self.setup.timeouts.write
    }
    if self.stageDeadline <= now {
      switch self.stage {
      case .opening:
        self.setup.observer.failed(.timeout)
        return context.close(promise: nil)
      case .talking(let conversation): conversation.timeOut(now: now)
      case .lingering, .closed: break
      }
    }
    self.flush()
  }
}
