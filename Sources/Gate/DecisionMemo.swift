internal import Synchronization

/// What was decided in the last 60 s about requests that showed a credential, for the challenge endpoints (design §4):
/// a proxy that asks twice must not hear "pay" about a payment whose first answer was "wait".
final class DecisionMemo: Sendable {
  enum Word {
    case forgotten
    case allowed
    /// Counting again would count one request twice.
    case limited(Denial)
    case unavailable(Outage)
  }

  /// A minute of a busy gate; the oldest is forgotten first.
  static let capacity = 16_384
  static let lifetime: Duration = .seconds(60)

  private struct Entry {
    var word: Word
    var noted: Timestamp
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var order: [Int] = []
    var next = 0
  }

  private let state = Mutex(State())

  func note(_ decision: Decision, for key: Int, at now: Timestamp) {
    let word: Word
    switch decision {
    case .allow: word = .allowed
    case .unavailable(let outage): word = .unavailable(outage)
    case .deny(.tooManyRequests(let seconds)): word = .limited(.tooManyRequests(retryAfterSeconds: seconds))
    case .paymentRequired, .deny: word = .forgotten
    }
    self.state.withLock { state in
      if state.entries.updateValue(Entry(word: word, noted: now), forKey: key) != nil { return }
      if state.order.count < Self.capacity {
        state.order.append(key)
      } else {
        state.entries[state.order[state.next]] = nil
        state.order[state.next] = key
        state.next = (state.next + 1) % Self.capacity
      }
    }
  }

  func recall(_ key: Int, at now: Timestamp) -> Word {
    self.state.withLock { state in
      guard let entry = state.entries[key], now - entry.noted <= Self.lifetime else { return .forgotten }
      return entry.word
    }
  }
}
