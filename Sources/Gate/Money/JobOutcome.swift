internal import Synchronization

/// What became of one payment's redemption, for all who wait for it.
final class JobOutcome: Sendable {
  typealias Value = Result<PaymentStanding, Outage>

  private struct State {
    var value: Value?
    var admitted = 1
    var waiting: [Int: CheckedContinuation<Value?, Never>] = [:]
    var nextTicket = 0
  }

  private let state = Mutex(State())

  /// One more who waits, unless there are `limit`.
  func admit(upTo limit: Int) -> Bool {
    self.state.withLock { state in
      guard state.admitted < limit else { return false }
      state.admitted += 1
      return true
    }
  }

  func finish(_ value: Value) {
    let waiting = self.state.withLock { state in
      state.value = value
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(returning: value) }
  }

  /// Nil when `deadline` comes first.
  func value(until deadline: ContinuousClock.Instant, sleeper: any Clock<Duration>) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
      group.addTask { await self.value() }
      group.addTask {
        try? await sleeper.sleep(for: deadline - ContinuousClock.now)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  private func value() async -> Value? {
    let ticket = self.state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        enum Now { case known(Value), gone, waits }
        let now = self.state.withLock { state -> Now in
          if let value = state.value { return .known(value) }
          if Task.isCancelled { return .gone }
          state.waiting[ticket] = continuation
          return .waits
        }
        switch now {
        case .known(let value): continuation.resume(returning: value)
        case .gone: continuation.resume(returning: nil)
        case .waits: break
        }
      }
    } onCancel: {
      self.state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: nil)
    }
  }
}
