internal import Gate
internal import Synchronization

/// How many payments of one client may be refused by a facilitator in a minute: each costs calls, a row of the book and
/// perhaps the facilitator's patience, and costs a stranger a signature.
///
/// What is settled, and what got no answer, is not counted: nobody who pays waits here.
final class RefusalBudget: Sendable {
  static let perMinute = 60
  static let window: Duration = .seconds(60)
  /// Addresses that are remembered at once; beyond, the newest goes uncounted.
  static let maxClients = 4096
  /// Payments whose end is awaited; more than the cashier works on at the same time.
  static let maxUnderWay = 2048

  private struct State {
    var refused: [ClientAddress: (count: Int, since: Timestamp)] = [:]
    var underWay: [PaymentID: ClientAddress] = [:]
  }

  private let state = Mutex(State())

  /// Seconds until this client's payments are looked at again; nil where they are now.
  func wait(of client: ClientAddress, at now: Timestamp) -> Int? {
    self.state.withLock { state in
      guard let (count, since) = state.refused[client], count >= Self.perMinute else { return nil }
      let left = since + Self.window - now
      return left > .zero ? Int((left.inMilliseconds + 999) / 1000) : nil
    }
  }

  /// `payment` goes to a facilitator.
  func note(_ payment: PaymentID, from client: ClientAddress) {
    self.state.withLock { state in
      // Those whose end was never told: their claim failed.
      if state.underWay.count >= Self.maxUnderWay { state.underWay = [:] }
      state.underWay[payment] = client
    }
  }

  func end(_ payment: PaymentID, wasRefused: Bool, at now: Timestamp) {
    self.state.withLock { state in
      guard let client = state.underWay.removeValue(forKey: payment), wasRefused else { return }
      if let (count, since) = state.refused[client], now - since < Self.window {
        state.refused[client] = (count + 1, since)
        return
      }
      if state.refused.count >= Self.maxClients {
        state.refused = state.refused.filter { now - $0.value.since < Self.window }
      }
      guard state.refused.count < Self.maxClients else { return }
      state.refused[client] = (1, now)
    }
  }

  /// For its bounds.
  var remembered: (clients: Int, underWay: Int) {
    self.state.withLock { ($0.refused.count, $0.underWay.count) }
  }
}
