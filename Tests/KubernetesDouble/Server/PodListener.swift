internal import NIOCore
internal import NIOPosix

/// What answers where the double's pods "are" (``ClusterSettings/podAddress``): it says who it is, as sshd
/// does.
package struct PodListener: Sendable {
  package static let greeting = "SSH-2.0-double\r\n"

  private let listener: any Channel

  package static func start(address: String, port: UInt16 = 2222) async throws -> PodListener {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeter()) }
      }
      .bind(host: address, port: Int(port)).get()
    return PodListener(listener: listener)
  }

  package func stop() async { try? await self.listener.close().get() }

  private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
      context.writeAndFlush(NIOAny(ByteBuffer(string: PodListener.greeting)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
