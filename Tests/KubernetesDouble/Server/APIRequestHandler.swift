internal import NIOCore
internal import NIOHTTP1
private import Synchronization

/// Collects a request and hands it on.
final class APIRequestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart

  private let box: APIServerDouble.Box
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []

  init(box: APIServerDouble.Box) { self.box = box }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch self.unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      self.body = []
    case .body(let buffer): self.body += buffer.readableBytesView
    case .end:
      guard let head = self.head.take() else { return }
      let request = APIRequest(
        method: head.method.rawValue, target: head.uri, fields: head.headers.map { ($0.name, $0.value) },
        body: self.body)
      guard let server = self.box.server.withLock({ $0 }) else {
        context.close(promise: nil)
        return
      }
      server.handle(request, on: context.channel)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
