internal import NIOCore

/// One end of a pair: what it reads goes to its partner, and it reads on only while the partner takes more.
/// Both ends are on one event loop. An end of input is passed on alone, so that the other direction can
/// finish.
///
/// Before it has a partner it asks for nothing. NIO all the same reads what is there when the peer has ended
/// its side: that waits here, and is no more than the socket's own buffer held.
final class SpliceHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private static let lingerTime: TimeAmount = .seconds(30)

  private let count: @Sendable (Int) -> Void
  private let began: @Sendable (any Channel) -> Void
  private var context: ChannelHandlerContext?
  private var partner: SpliceHandler?
  private var waitsForPartner = false
  private var early: [ByteBuffer] = []
  private var hasEnded = false
  /// The end of what was written is on its way.
  private var isSending = false
  private var closesWholly = false

  /// `count` gets the number of bytes of each read; `began` is called when a channel that was accepted can be
  /// used, which is later than it is initialised.
  init(count: @escaping @Sendable (Int) -> Void, began: @escaping @Sendable (any Channel) -> Void = { _ in })
  {
    self.count = count
    self.began = began
  }

  static func join(_ a: SpliceHandler, _ b: SpliceHandler) {
    a.partner = b
    b.partner = a
    a.begin()
    b.begin()
  }

  private func begin() {
    for buffer in self.early { self.partner?.context?.write(NIOAny(buffer), promise: nil) }
    self.early = []
    self.partner?.context?.flush()
    if self.hasEnded { self.partner?.end() } else { self.context?.read() }
  }

  /// The partner's peer sends no more.
  private func end() { self.closeWhenSent(wholly: false) }

  /// NIO closes at once and drops what was not sent yet where both directions end, so the end waits here. Not
  /// longer than ``lingerTime``, for a peer that takes nothing from somebody who has left.
  private func closeWhenSent(wholly: Bool) {
    guard let channel = self.context?.channel else { return }
    if wholly, !self.closesWholly {
      self.closesWholly = true
      let timer = channel.eventLoop.scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
      channel.closeFuture.whenComplete { _ in timer.cancel() }
    }
    guard !self.isSending else { return }
    self.isSending = true
    // Sent after all that was written before it.
    channel.writeAndFlush(ByteBuffer()).assumeIsolated().whenComplete { _ in
      self.isSending = false
      let isOver = self.closesWholly || self.hasEnded
      channel.close(mode: isOver ? .all : .output, promise: nil)
    }
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    self.partner = nil
  }

  func channelActive(context: ChannelHandlerContext) { self.began(context.channel) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = self.unwrapInboundIn(data)
    self.count(buffer.readableBytes)
    if let partner = self.partner {
      partner.context?.write(NIOAny(buffer), promise: nil)
    } else {
      self.early.append(buffer)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    guard let partner = self.partner?.context else { return }
    partner.flush()
    if partner.channel.isWritable { context.read() } else { self.waitsForPartner = true }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable, let partner = self.partner, partner.waitsForPartner else { return }
    partner.waitsForPartner = false
    partner.context?.read()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return }
    self.hasEnded = true
    self.partner?.end()
  }

  func channelInactive(context: ChannelHandlerContext) {
    let partner = self.partner
    self.partner = nil
    partner?.partner = nil
    partner?.closeWhenSent(wholly: true)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
