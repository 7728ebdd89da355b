import Gate
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Provisioner

/// Real sockets on loopback: clients, the gateway, and a machine that echoes.
@Suite("PortGateway", .timeLimit(.minutes(1))) struct PortGatewayTests {
  private let id = WorkloadID.random()

  private func gateway(
    _ clock: any TimeSource = WallClock(), _ change: (inout GatewayLimits) -> Void = { _ in }
  )
    -> PortGateway
  {
    var limits = GatewayLimits()
    change(&limits)
    return PortGateway(address: "127.0.0.1", ports: TestPorts.next(), limits: limits, clock: clock)
  }

  @Test("bytes pass in both directions, and an end of input passes alone")
  func splice() async throws {
    let machine = try await EchoMachine.start()
    let gateway = self.gateway()
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    gateway.setTarget(machine.target, of: self.id)
    // More than all buffers on the way hold, so that back-pressure must work; the echo ends after our end.
    let sent = [UInt8]((0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
    let received = try await Client.exchange(port, sending: sent)
    #expect(received.count == sent.count)
    // Apart from the macro, which would look for the differences of millions of bytes.
    let isSame = received == sent
    #expect(isSame)
    #expect(gateway.counters.bytesIn == 8_000_000)
    #expect(gateway.counters.bytesOut == 8_000_000)
    #expect(await soon { gateway.counters.live == 0 })
    await gateway.release(self.id)
    await machine.stop()
  }

  @Test("who reads slowly gets all that the machine said before it ended")
  func slowReader() async throws {
    let machine = try await EchoMachine.start()
    let gateway = self.gateway()
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    gateway.setTarget(machine.target, of: self.id)
    // More than the kernel holds on the way, so that some of it is in the gateway when the machine has ended.
    let sent = [UInt8](repeating: 7, count: 16_000_000)
    let received = try await Client.exchange(port, sending: sent, readingEvery: .milliseconds(1))
    #expect(received.count == sent.count)
    await gateway.release(self.id)
    await machine.stop()
  }

  @Test("a connection waits for its machine and then goes on")
  func hold() async throws {
    let machine = try await EchoMachine.start()
    let gateway = self.gateway()
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    async let answer = Client.exchange(port, sending: Array("SSH-2.0-early\r\n".utf8))
    #expect(await soon { gateway.counters.held == 1 })
    gateway.setTarget(machine.target, of: self.id)
    #expect(try await answer == Array("SSH-2.0-early\r\n".utf8))
    await gateway.release(self.id)
    await machine.stop()
  }

  @Test("a wait for a machine that never comes ends with a reason")
  func holdEnds() async throws {
    let gateway = self.gateway(WallClock()) { $0.holdTime = .milliseconds(50) }
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    let answer = try await Client.exchange(port, sending: [])
    #expect(String(decoding: answer, as: UTF8.self) == GatewayRefusal.booting.line)
    await gateway.release(self.id)
  }

  @Test("a machine that does not listen yet is tried again, for a while")
  func retry() async throws {
    let gateway = self.gateway(WallClock()) { $0.connectTime = .milliseconds(400) }
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    let closed = try await EchoMachine.start()
    let target = closed.target
    await closed.stop()
    gateway.setTarget(target, of: self.id)
    let answer = try await Client.exchange(port, sending: [])
    #expect(String(decoding: answer, as: UTF8.self) == GatewayRefusal.unreachable.line)
    await gateway.release(self.id)
  }

  @Test("a machine that begins to listen a little later is reached")
  func lateMachine() async throws {
    let gateway = self.gateway()
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    let closed = try await EchoMachine.start()
    let target = closed.target
    await closed.stop()
    gateway.setTarget(target, of: self.id)
    async let later = Client.exchange(port, sending: [1, 2, 3])
    #expect(await soon { gateway.counters.live == 1 })
    let machine = try await EchoMachine.start(port: Int(target.port))
    #expect(try await later == [1, 2, 3])
    await gateway.release(self.id)
    await machine.stop()
  }

  @Test("at the end of the paid time all connections are cut, and more time in time keeps them")
  func expiry() async throws {
    let machine = try await EchoMachine.start()
    let clock = WallClock()
    let gateway = self.gateway(clock)
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    gateway.setTarget(machine.target, of: self.id)
    gateway.setEnd(clock.now() + .milliseconds(300), of: self.id)
    gateway.setEnd(clock.now() + .seconds(3600), of: self.id)
    let session = try await Client.open(port)
    #expect(await soon { gateway.counters.live == 1 })
    try await Task.sleep(for: .milliseconds(500))
    #expect(session.isActive && gateway.counters.cut == 0)
    gateway.setEnd(clock.now() + .milliseconds(50), of: self.id)
    #expect(await soon { !session.isActive })
    #expect(gateway.counters.cut == 1)
    let answer = try await Client.exchange(port, sending: [])
    #expect(String(decoding: answer, as: UTF8.self) == GatewayRefusal.over.line)
    await gateway.release(self.id)
    await machine.stop()
  }

  @Test("one source has a bounded number of connections to one machine")
  func perSource() async throws {
    let machine = try await EchoMachine.start()
    let gateway = self.gateway(WallClock()) { $0.perSourceAndMachine = 2 }
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    gateway.setTarget(machine.target, of: self.id)
    let sessions = [try await Client.open(port), try await Client.open(port)]
    #expect(await soon { gateway.counters.live == 2 })
    let answer = try await Client.exchange(port, sending: [])
    #expect(String(decoding: answer, as: UTF8.self) == GatewayRefusal.tooMany.line)
    #expect(gateway.counters.refused == [.tooMany: 1])
    try await sessions[0].close().get()
    #expect(await soon { gateway.counters.live == 1 })
    #expect(try await Client.exchange(port, sending: [7]) == [7])
    await gateway.release(self.id)
    #expect(await soon { !sessions[1].isActive })
    await machine.stop()
  }

  @Test("a port that is known to be another's is let go, though it is free here")
  func takenElsewhere() async throws {
    let gateway = self.gateway()
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    let other = try #require(await gateway.claim(self.id, wanting: port, besides: [port]))
    #expect(other != port)
    #expect(gateway.port(of: self.id) == other)
    #expect(await gateway.take(port, for: .random()))
    let all = Set(gateway.ports)
    #expect(await gateway.claim(.random(), wanting: nil, besides: all) == nil)
  }

  @Test("a port that somebody has is not taken; after release it is had again")
  func ports() async throws {
    let gateway = self.gateway()
    let port = try #require(await gateway.claim(self.id, wanting: nil))
    #expect(await gateway.claim(self.id, wanting: port + 1) == port)
    // Another process of the same host.
    let other = PortGateway(address: "127.0.0.1", ports: port...(port + 1), clock: WallClock())
    let stranger = WorkloadID.random()
    #expect(await other.claim(stranger, wanting: port) == port + 1)
    #expect(await other.claim(.random(), wanting: nil) == nil)
    #expect(other.freePorts == 1)
    await gateway.release(self.id)
    #expect(await other.claim(.random(), wanting: nil) == port)
    await other.release(stranger)
  }
}

/// Ranges that no two tests share, below those that the system gives to clients.
enum TestPorts {
  private static let first = Mutex(UInt16.random(in: 23_000...29_000))

  static func next() -> ClosedRange<UInt16> {
    self.first.withLock { first in
      first += 25
      return first...(first + 20)
    }
  }
}

struct WallClock: TimeSource {
  func now() -> Timestamp {
    let span = ContinuousClock.now - Self.origin
    return Timestamp(seconds: 1_767_225_600) + span
  }

  private static let origin = ContinuousClock.now
}

/// Whether it becomes true before the test has waited too long.
func soon(_ isTrue: () async -> Bool) async -> Bool {
  for _ in 0..<500 {
    if await isTrue() { return true }
    try? await Task.sleep(for: .milliseconds(10))
  }
  return false
}

/// Sends back what it gets, and ends when its peer has.
struct EchoMachine: Sendable {
  let listener: any Channel

  static func start(host: String = "127.0.0.1", port: Int = 0) async throws -> EchoMachine {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
      }
      .bind(host: host, port: port).get()
    return EchoMachine(listener: listener)
  }

  var target: GatewayTarget {
    GatewayTarget(
      address: self.listener.localAddress?.ipAddress ?? "",
      port: UInt16(self.listener.localAddress?.port ?? 0))
  }

  func stop() async { try? await self.listener.close().get() }

  private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.write(data, promise: nil) }
    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      guard case ChannelEvent.inputClosed = event else { return }
      // Closed before that, it would drop what it has not sent.
      let channel = context.channel
      channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
    }
  }
}

enum Client {
  static func open(_ port: UInt16, host: String = "127.0.0.1") async throws -> any Channel {
    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: host, port: Int(port)).get()
  }

  /// Sends all, ends its side, and collects what comes until the other side ends.
  static func exchange(
    _ port: UInt16, sending bytes: [UInt8], readingEvery pause: TimeAmount? = nil
  ) async throws -> [UInt8] {
    let group = MultiThreadedEventLoopGroup.singleton
    let done = group.next().makePromise(of: [UInt8].self)
    let channel = try await ClientBootstrap(group: group)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.autoRead, value: pause == nil)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Collector(done: done))
        }
      }
      .connect(host: "127.0.0.1", port: Int(port))
      // Else nobody would keep the promise.
      .flatMapErrorThrowing { error in
        done.fail(error)
        throw error
      }.get()
    if !bytes.isEmpty {
      channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in
        channel.close(mode: .output, promise: nil)
      }
    }
    if let pause {
      channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { task in
        if channel.isActive { channel.read() } else { task.cancel() }
      }
    }
    return try await done.futureResult.get()
  }

  /// The first line that the other side says; what came, when it says no more.
  static func greeting(_ port: UInt16, within limit: Duration) async throws -> String {
    let group = MultiThreadedEventLoopGroup.singleton
    let done = group.next().makePromise(of: [UInt8].self)
    let channel = try await ClientBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Collector(done: done, isLine: true))
        }
      }
      .connect(host: "127.0.0.1", port: Int(port))
      // Else nobody would keep the promise.
      .flatMapErrorThrowing { error in
        done.fail(error)
        throw error
      }.get()
    let timer = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { channel.close(promise: nil) }
    let bytes = try await done.futureResult.get()
    timer.cancel()
    channel.close(promise: nil)
    return String(decoding: bytes, as: UTF8.self)
  }

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let done: EventLoopPromise<[UInt8]>
    private var bytes: [UInt8] = []

    private let isLine: Bool

    init(done: EventLoopPromise<[UInt8]>, isLine: Bool = false) {
      self.done = done
      self.isLine = isLine
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      self.bytes += self.unwrapInboundIn(data).readableBytesView
      if self.isLine, self.bytes.last == 0x0A { self.done.succeed(self.bytes) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      guard case ChannelEvent.inputClosed = event else { return }
      self.done.succeed(self.bytes)
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { self.done.succeed(self.bytes) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
