package import Gate
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Listens on one port per machine and splices each connection to where the machine is. The bound socket is
/// the lock on the port; a connection waits while its machine boots, and none outlives the paid time.
package final class PortGateway: Sendable {
  private struct Sockets {
    var listeners: [WorkloadID: any Channel] = [:]
    var clients: [PortTable.Connection: any Channel] = [:]
    var alarms: [WorkloadID: Scheduled<Void>] = [:]
  }

  private let address: String
  let ports: ClosedRange<UInt16>
  private let limits: GatewayLimits
  private let clock: any TimeSource
  private let group: MultiThreadedEventLoopGroup
  private let table: Mutex<PortTable>
  private let sockets = Mutex(Sockets())
  private let tally = Mutex(GatewayCounters())

  /// - Parameter address: numeric; `::` is IPv4 too.
  package init(
    address: String, ports: ClosedRange<UInt16>, limits: GatewayLimits = GatewayLimits(),
    clock: any TimeSource
  ) {
    self.address = address
    self.ports = ports
    self.limits = limits
    self.clock = clock
    self.group = .singleton
    self.table = Mutex(PortTable(limits: limits))
  }

  package var counters: GatewayCounters { self.tally.withLock { $0 } }
  package var freePorts: Int { self.ports.count - self.table.withLock { $0.owners.count } }
  package func port(of id: WorkloadID) -> UInt16? { self.table.withLock { $0.machines[id]?.port } }

  // MARK: Ports

  /// The port of a machine: the one it has, else the wanted one, else any that is free. Nil when none is.
  ///
  /// - Parameter taken: free here, and not to be given; if it has one of these, it loses it.
  package func claim(_ id: WorkloadID, wanting wanted: UInt16?, besides taken: Set<UInt16> = []) async
    -> UInt16?
  {
    if let port = self.port(of: id) {
      guard taken.contains(port) else { return port }
      await self.release(id)
    }
    if let wanted, self.ports.contains(wanted), !taken.contains(wanted), await self.take(wanted, for: id) {
      return wanted
    }
    // From a place of its own, so that two services on one host seldom meet.
    let first = Int.random(in: 0..<self.ports.count)
    for step in 0..<self.ports.count {
      let port = self.ports.lowerBound + UInt16((first + step) % self.ports.count)
      if !taken.contains(port), await self.take(port, for: id) { return port }
    }
    return nil
  }

  /// This port and no other; false when somebody else has it.
  package func take(_ port: UInt16, for id: WorkloadID) async -> Bool {
    let claim = self.table.withLock { table in
      let isOurs = table.machines[id]?.port == port
      return (isOurs: isOurs, isNew: !isOurs && table.reserve(port, for: id))
    }
    // Had already, or being bound by another task.
    if claim.isOurs { return true }
    guard claim.isNew else { return false }
    do {
      let listener = try await self.listen(on: port, for: id)
      self.sockets.withLock { $0.listeners[id] = listener }
      // Released while it was being bound.
      guard self.port(of: id) == port else {
        self.sockets.withLock { _ = $0.listeners.removeValue(forKey: id) }
        try? await listener.close().get()
        return false
      }
      return true
    } catch {
      // In use by another process; every other cause shows in the same way, that no port is to be had.
      _ = self.table.withLock { $0.release(id) }
      return false
    }
  }

  private func listen(on port: UInt16, for id: WorkloadID) async throws -> any Channel {
    try await ServerBootstrap(group: self.group)
      .serverChannelOption(.backlog, value: 64)
      // Or the port could not be had again while closed connections of it linger.
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // From the beginning: what comes before the machine is there is kept by it.
          let near = SpliceHandler { count in
            self.tally.withLock { $0.bytesIn += UInt64(count) }
          } began: { client in
            self.accepted(client, on: port, for: id)
          }
          try channel.pipeline.syncOperations.addHandler(near)
        }
      }
      .bind(host: self.address, port: Int(port)).get()
  }

  /// Closes its port and its connections: nobody is connected when this returns.
  package func release(_ id: WorkloadID) async {
    let connections = self.table.withLock { $0.release(id) }
    let (listener, clients, alarm) = self.sockets.withLock { sockets in
      (
        sockets.listeners.removeValue(forKey: id), connections.compactMap { sockets.clients[$0] },
        sockets.alarms.removeValue(forKey: id)
      )
    }
    alarm?.cancel()
    try? await listener?.close().get()
    // One that closed by itself in the meantime throws.
    for client in clients { try? await client.close().get() }
  }

  // MARK: Machines

  package func setEnd(_ end: Timestamp, of id: WorkloadID) {
    self.table.withLock { $0.setEnd(end, of: id) }
    self.setAlarm(id, at: end)
  }

  /// Where it is, or nil while it is nowhere. Those who wait for it are let through.
  package func setTarget(_ target: GatewayTarget?, of id: WorkloadID) {
    let freed = self.table.withLock { $0.setTarget(target, of: id) }
    guard let target else { return }
    for connection in freed {
      guard let client = self.sockets.withLock({ $0.clients[connection] }) else { continue }
      self.splice(client, to: target, since: .now)
    }
  }

  private func setAlarm(_ id: WorkloadID, at end: Timestamp) {
    // No further ahead than a day: the wall clock may be set in the meantime.
    let wait = min(max(end - self.clock.now(), .zero), .seconds(86_400))
    let alarm = self.group.next().scheduleTask(in: TimeAmount(wait)) { self.ring(id) }
    self.sockets.withLock { $0.alarms.updateValue(alarm, forKey: id) }?.cancel()
  }

  private func ring(_ id: WorkloadID) {
    guard let machine = self.table.withLock({ $0.machines[id] }) else { return }
    guard self.clock.now() >= machine.end else {
      self.setAlarm(id, at: machine.end)
      return
    }
    for (connection, visit) in machine.connections {
      guard let client = self.sockets.withLock({ $0.clients[connection] }) else { continue }
      self.tally.withLock { $0.cut += 1 }
      // Between two machines that speak SSH already there is no place for a word of ours; PID 1 has warned.
      if visit.isHeld { self.dismiss(client, .over) } else { client.close(promise: nil) }
    }
  }

  // MARK: Connections

  private func accepted(_ client: any Channel, on port: UInt16, for id: WorkloadID) {
    let source = ConnectionSource(of: client.remoteAddress)
    // In one step: whoever gives the machine a place finds each connection that waits for it.
    let admission = self.table.withLock { table in
      let admission = table.admit(on: port, from: source, now: self.clock.now())
      if let connection = admission.connection {
        self.sockets.withLock { $0.clients[connection] = client }
      }
      return admission
    }
    if let connection = admission.connection { self.follow(client, connection, of: id) }
    switch admission {
    case .refuse(let refusal): self.dismiss(client, refusal)
    case .splice(_, let target): self.splice(client, to: target, since: .now)
    case .hold(let connection):
      self.tally.withLock { $0.held += 1 }
      let timer = client.eventLoop.scheduleTask(in: TimeAmount(self.limits.holdTime)) {
        if self.table.withLock({ $0.isHeld(connection, of: id) }) { self.dismiss(client, .booting) }
      }
      client.closeFuture.whenComplete { _ in timer.cancel() }
    }
  }

  private func follow(_ client: any Channel, _ connection: PortTable.Connection, of id: WorkloadID) {
    self.tally.withLock {
      $0.accepted += 1
      $0.live += 1
    }
    client.closeFuture.whenComplete { _ in
      self.sockets.withLock { $0.clients[connection] = nil }
      self.table.withLock { $0.ended(connection, of: id) }
      self.tally.withLock { $0.live -= 1 }
    }
  }

  private func dismiss(_ client: any Channel, _ refusal: GatewayRefusal) {
    self.tally.withLock { $0.refused[refusal, default: 0] += 1 }
    client.eventLoop.execute {
      client.writeAndFlush(ByteBuffer(string: refusal.line)).whenComplete { _ in client.close(promise: nil) }
    }
  }

  private func splice(
    _ client: any Channel, to target: GatewayTarget, since: ContinuousClock.Instant
  ) {
    // On the client's loop, so that the two ends need no lock between them.
    ClientBootstrap(group: client.eventLoop)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .connectTimeout(TimeAmount(self.limits.connectTime))
      .connect(host: target.address, port: Int(target.port))
      .whenComplete { result in
        switch result {
        case .success(let machine): self.join(client, machine)
        case .failure:
          guard client.isActive else { return }
          guard ContinuousClock.now - since < self.limits.connectTime else {
            self.dismiss(client, .unreachable)
            return
          }
          client.eventLoop.scheduleTask(in: .milliseconds(100)) {
            self.splice(client, to: target, since: since)
          }
        }
      }
  }

  private func join(_ client: any Channel, _ machine: any Channel) {
    guard client.isActive else {
      machine.close(promise: nil)
      return
    }
    do {
      let near = try client.pipeline.syncOperations.handler(type: SpliceHandler.self)
      let far = SpliceHandler { count in self.tally.withLock { $0.bytesOut += UInt64(count) } }
      try machine.pipeline.syncOperations.addHandler(far)
      SpliceHandler.join(near, far)
    } catch {
      client.close(promise: nil)
      machine.close(promise: nil)
    }
  }
}
