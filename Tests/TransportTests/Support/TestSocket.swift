import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Transport

/// A client's plain socket that collects what it receives.
final class TestSocket: Sendable {
  private struct State {
    var received: [UInt8] = []
    var isClosed = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let state = Mutex(State())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = Self.unwrapInboundIn(data)
      self.change { $0.received.append(contentsOf: bytes.readableBytesView) }
    }

    func channelInactive(context: ChannelHandlerContext) { self.change { $0.isClosed = true } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func change(_ body: (inout State) -> Void) {
      let waiting = self.state.withLock { state in
        body(&state)
        defer { state.waiting = [] }
        return state.waiting
      }
      for continuation in waiting { continuation.resume() }
    }

    func look() -> (received: [UInt8], isClosed: Bool) { self.state.withLock { ($0.received, $0.isClosed) } }

    func take() -> [UInt8] {
      self.state.withLock { state in
        defer { state.received = [] }
        return state.received
      }
    }

    /// Returns when something has changed since `seen`.
    func change(since seen: (received: [UInt8], isClosed: Bool)) async {
      await withCheckedContinuation { continuation in
        let isNew = self.state.withLock { state in
          let isNew = state.received.count != seen.received.count || state.isClosed != seen.isClosed
          if !isNew { state.waiting.append(continuation) }
          return isNew
        }
        if isNew { continuation.resume() }
      }
    }
  }

  private let channel: any Channel
  private let collector: Collector

  /// - Parameter reads: false makes the server feel a peer that takes nothing.
  init(_ address: ListenAddress, group: MultiThreadedEventLoopGroup, reads: Bool = true) async throws {
    let collector = Collector()
    var bootstrap = ClientBootstrap(group: group)
      .channelOption(.autoRead, value: reads)
      .channelInitializer { $0.pipeline.addHandler(collector) }
    if !reads { bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: 4096) }
    self.collector = collector
    switch address {
    case .network(let host, let port):
      self.channel = try await bootstrap.connect(host: host, port: Int(port)).get()
    case .unix(let path): self.channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
    }
  }

  func send(_ bytes: [UInt8]) { self.channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
  func send(_ text: String) { self.send(Array(text.utf8)) }
  func close() { self.channel.close(promise: nil) }

  /// Everything since the last call.
  func take() -> [UInt8] { self.collector.take() }

  /// Waits until what was received satisfies `condition`, or the server has closed; returns it.
  @discardableResult
  func receive(until condition: (String) -> Bool) async -> (text: String, isClosed: Bool) {
    while true {
      let seen = self.collector.look()
      let text = String(decoding: seen.received, as: UTF8.self)
      if seen.isClosed || condition(text) { return (text, seen.isClosed) }
      await self.collector.change(since: seen)
    }
  }

  /// Waits for the server's close and returns everything received.
  @discardableResult
  func receiveUntilClose() async -> String {
    while true {
      let seen = self.collector.look()
      if seen.isClosed { return String(decoding: seen.received, as: UTF8.self) }
      await self.collector.change(since: seen)
    }
  }

  /// Drives an HTTP/2 client until `condition`, or the server has closed.
  func run(_ client: HTTP2Client, sends: Bool = true, until condition: (HTTP2Client) -> Bool) async {
    while true {
      let seen = self.collector.look()
      client.receive(self.collector.take())
      let out = sends ? client.output() : []
      if !out.isEmpty { self.send(out) }
      if condition(client) || seen.isClosed { return }
      await self.collector.change(since: ([], false))
    }
  }
}

/// A running listener on a free port, with its service and counters.
final class TestListener: Sendable {
  let listener: Listener
  let service: ScriptedService
  let counters: TransportCounters
  let group: MultiThreadedEventLoopGroup
  let address: ListenAddress

  private init(
    _ listener: Listener, _ service: ScriptedService, _ counters: TransportCounters,
    _ group: MultiThreadedEventLoopGroup, _ address: ListenAddress
  ) {
    self.listener = listener
    self.service = service
    self.counters = counters
    self.group = group
    self.address = address
  }

  func connect(reads: Bool = true) async throws -> TestSocket {
    try await TestSocket(self.address, group: self.group, reads: reads)
  }

  /// Runs a listener while `body` uses it, then stops it and sees that it ends.
  static func with(
    address: String = "127.0.0.1:0",
    tls: TLSConfiguration? = nil,
    limits: Limits = Limits(),
    _ body: (TestListener) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let service = ScriptedService()
    let counters = TransportCounters()
    let listener = try Listener(
      address: ListenAddress(address), tls: tls, service: service, limits: limits, observer: counters,
      group: group)
    let bound = try await listener.bind()
    let test = TestListener(listener, service, counters, group, bound)
    do {
      try await withThrowingTaskGroup { tasks in
        tasks.addTask { try await listener.run() }
        do {
          try await body(test)
        } catch {
          listener.beginShutdown(within: .zero)
          throw error
        }
        listener.beginShutdown(within: .milliseconds(100))
        try await tasks.waitForAll()
      }
    } catch {
      try await group.shutdownGracefully()
      throw error
    }
    try await group.shutdownGracefully()
  }
}
