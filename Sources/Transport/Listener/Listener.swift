internal import NIOCore
package import NIOPosix
private import Synchronization

#if canImport(Glibc)
  private import Glibc
#endif

/// Serves HTTP/1 and HTTP/2 on one address, with or without TLS.
///
/// `bind` then `run`; `run` returns after ``beginShutdown(within:)`` when every connection has ended.
package final class Listener: Sendable {
  private struct State {
    var server: (any Channel)?
    var connections: [ObjectIdentifier: any Channel] = [:]
    var memories: [ObjectIdentifier: NIOLoopBound<LoopMemory>] = [:]
    var isDraining = false
    var isOver = false
    var deadline: Scheduled<Void>?
  }

  /// Connections waiting to be accepted; the kernel cuts it to net.core.somaxconn.
  private static let backlog: Int32 = 1024

  package let address: ListenAddress
  private let tls: TLSContext?
  private let setup: ConversationSetup
  private let group: MultiThreadedEventLoopGroup
  private let work: ListenerWork
  private let state = Mutex(State())

  /// Fails when the TLS files cannot be used.
  package init(
    address: ListenAddress,
    tls: TLSConfiguration? = nil,
    service: any HTTPService,
    limits: Limits = Limits(),
    observer: any TransportObserver = TransportCounters(),
    group: MultiThreadedEventLoopGroup
  ) throws(TransportError) {
    self.address = address
    if let tls { self.tls = try TLSContext(tls) } else { self.tls = nil }
    self.setup = ConversationSetup(
      service: service, limits: limits, timeouts: .init(limits), observer: observer,
      peer: Peer(address: .unix))
    self.group = group
    self.work = ListenerWork(maxOpen: limits.laterAnswersInAll)
  }

  /// Binds and accepts from now on; returns the address with the port that was taken.
  @discardableResult
  package func bind() async throws(TransportError) -> ListenAddress {
    let bootstrap = ServerBootstrap(group: self.group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      // NIO keeps a buffer for each connection: small for idle ones, a socket's fill for busy ones.
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 64 * 1024)
      )
      .childChannelOption(.writeBufferWaterMark, value: self.waterMark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.accept(channel) }
      }
    do {
      let server: any Channel
      switch self.address {
      case .network(let host, let port): server = try await bootstrap.bind(host: host, port: Int(port)).get()
      case .unix(let path):
        server = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
      }
      self.state.withLock { $0.server = server }
      return self.boundAddress ?? self.address
    } catch {
      throw .bind("cannot listen on \(self.address): \(Self.reason(error))")
    }
  }

  /// The system's words, without the call that failed.
  private static func reason(_ error: any Error) -> String {
    guard let code = (error as? IOError)?.errnoCode, let text = unsafe strerror(code) else {
      return "\(error)"
    }
    return unsafe String(cString: text)
  }

  private var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
    let high = max(2, self.setup.limits.outputBytes)
    return .init(low: high / 2, high: high)
  }

  /// Nil before `bind` has returned.
  package var boundAddress: ListenAddress? {
    guard let server = self.state.withLock({ $0.server }) else { return nil }
    guard case .network(let host, _) = self.address, let port = server.localAddress?.port else {
      return self.address
    }
    return .network(host: host, port: UInt16(clamping: port))
  }

  /// Runs the work of all connections until a stop has ended. Cancelled, it closes everything at once.
  package func run() async throws(TransportError) {
    if self.boundAddress == nil { try await self.bind() }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        for await job in self.work.jobs { group.addTask { await job() } }
        group.cancelAll()
      }
    } onCancel: {
      self.end()
    }
    self.end()
  }

  // MARK: connections

  /// Called on the connection's loop.
  private func accept(_ channel: any Channel) throws {
    let loop = channel.eventLoop
    let id = ObjectIdentifier(channel)
    let observer = self.setup.observer
    let admission = self.state.withLock { state -> (memory: NIOLoopBound<LoopMemory>, isDraining: Bool)? in
      guard !state.isOver, state.connections.count < self.setup.limits.connections else { return nil }
      state.connections[id] = channel
      let memory = state.memories[ObjectIdentifier(loop)] ?? NIOLoopBound(LoopMemory(), eventLoop: loop)
      state.memories[ObjectIdentifier(loop)] = memory
      return (memory, state.isDraining)
    }
    guard let admission else {
      observer.failed(.refused)
      throw ChannelError.alreadyClosed  // closes the channel
    }
    observer.connectionOpened()
    let onClose = {
      observer.connectionClosed()
      self.forget(id)
    }
    do {
      var setup = self.setup
      setup.peer = Peer(channel.remoteAddress)
      if setup.peer.port != nil { try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1) }
      let host = ConnectionHost(
        memory: admission.memory.value, work: self.work, limits: setup.limits, onClose: onClose)
      let handler = ConnectionHandler(
        setup: setup, host: host, tls: self.tls.map(TLSSession.init), isDraining: admission.isDraining)
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      // The peer has left already; no handler will tell.
      onClose()
      throw error
    }
  }

  private func forget(_ id: ObjectIdentifier) {
    let isLast = self.state.withLock { state in
      state.connections[id] = nil
      return state.isDraining && state.connections.isEmpty
    }
    if isLast { self.work.closeWhenEmpty() }
  }

  // MARK: stopping

  /// Stops accepting and lets open requests finish; what is still open after `time` is closed, and its tasks are
  /// cancelled.
  package func beginShutdown(within time: Duration) {
    let stopped = self.state.withLock { state -> (server: (any Channel)?, connections: [any Channel])? in
      guard !state.isDraining else { return nil }
      state.isDraining = true
      return (state.server, Array(state.connections.values))
    }
    guard let stopped else { return }
    stopped.server?.close(promise: nil)
    for connection in stopped.connections {
      connection.pipeline.fireUserInboundEventTriggered(ConnectionHandler.Signal.drain)
    }
    let deadline = self.group.any().scheduleTask(in: TimeAmount(time)) { self.end() }
    self.state.withLock { $0.deadline = deadline }
    if stopped.connections.isEmpty { self.work.closeWhenEmpty() }
  }

  /// Closes everything now.
  private func end() {
    let rest = self.state.withLock { state in
      state.isDraining = true
      state.isOver = true
      state.deadline?.cancel()
      state.deadline = nil
      defer { state.server = nil }
      return (server: state.server, connections: Array(state.connections.values))
    }
    rest.server?.close(promise: nil)
    for connection in rest.connections { connection.close(promise: nil) }
    self.work.close()
    if rest.server != nil, case .unix(let path) = self.address { unsafe _ = unlink(path) }
  }
}
