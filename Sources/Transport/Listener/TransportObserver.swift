private import Synchronization

/// Hears about connections; called on event loops, must not block and should not allocate.
package protocol TransportObserver: Sendable {
  func connectionOpened()
  func connectionClosed()
  func received(bytes: Int)
  func sent(bytes: Int)
  func failed(_ failure: TransportFailure)
}

/// Why the transport ended a connection or a stream by itself.
package enum TransportFailure: Sendable, Hashable, CaseIterable {
  /// The peer broke HTTP/1, HTTP/2 or gRPC.
  case protocolError
  /// The peer passed one of the ``Limits``.
  case limit
  /// The peer was too slow.
  case timeout
  /// The TLS handshake failed.
  case handshake
  /// Above the limit of connections.
  case refused
}

/// Counts what happens on listeners, for metrics.
package final class TransportCounters: TransportObserver {
  private let openedCount = Atomic<Int>(0)
  private let closedCount = Atomic<Int>(0)
  private let receivedCount = Atomic<Int>(0)
  private let sentCount = Atomic<Int>(0)
  private let protocolErrors = Atomic<Int>(0)
  private let limits = Atomic<Int>(0)
  private let timeouts = Atomic<Int>(0)
  private let handshakes = Atomic<Int>(0)
  private let refusals = Atomic<Int>(0)

  package init() {}

  /// Connections accepted so far.
  package var opened: Int { self.openedCount.load(ordering: .relaxed) }
  /// Connections ended so far.
  package var closed: Int { self.closedCount.load(ordering: .relaxed) }
  package var bytesReceived: Int { self.receivedCount.load(ordering: .relaxed) }
  package var bytesSent: Int { self.sentCount.load(ordering: .relaxed) }

  package func connectionOpened() { self.openedCount.wrappingAdd(1, ordering: .relaxed) }
  package func connectionClosed() { self.closedCount.wrappingAdd(1, ordering: .relaxed) }
  package func received(bytes: Int) { self.receivedCount.wrappingAdd(bytes, ordering: .relaxed) }
  package func sent(bytes: Int) { self.sentCount.wrappingAdd(bytes, ordering: .relaxed) }

  package func failed(_ failure: TransportFailure) {
    switch failure {
    case .protocolError: self.protocolErrors.wrappingAdd(1, ordering: .relaxed)
    case .limit: self.limits.wrappingAdd(1, ordering: .relaxed)
    case .timeout: self.timeouts.wrappingAdd(1, ordering: .relaxed)
    case .handshake: self.handshakes.wrappingAdd(1, ordering: .relaxed)
    case .refused: self.refusals.wrappingAdd(1, ordering: .relaxed)
    }
  }

  package func count(of failure: TransportFailure) -> Int {
    switch failure {
    case .protocolError: self.protocolErrors.load(ordering: .relaxed)
    case .limit: self.limits.load(ordering: .relaxed)
    case .timeout: self.timeouts.load(ordering: .relaxed)
    case .handshake: self.handshakes.load(ordering: .relaxed)
    case .refused: self.refusals.load(ordering: .relaxed)
    }
  }
}
