internal import NIOCore

/// One end of a pair: what it reads goes to its partner, and it reads on only while the partner takes more.
/// Both ends are on one event loop. An end of input is passed on alone, so that the other direction can
/// finish.
///
/// Before it has a partner it asks for nothing. NIO all the same reads what is there when the peer has ended
/// its side: that waits here, and is no more than the socket's own buffer held.
final class SpliceHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let count: @Sendable (Int) -> Void
  private let began: @Sendable (any Channel) -> Void
  private var context: ChannelHandlerContext?
  private var partner: SpliceHandler?
  private var waitsForPartner = false
  private var early: [ByteBuffer] = []
  private var hasEnded = false

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
  private func end() {
    // Else the end would wait for what was written and never sent.
    self.context?.flush()
    self.context?.close(mode: .output, promise: nil)
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
    partner?.context?.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
