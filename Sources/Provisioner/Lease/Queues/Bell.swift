internal import Synchronization

/// Wakes the one who waits. Rung before anyone waits, the next wait is over at once.
final class Bell: Sendable {
  private let state = Mutex(State.still)

  private enum State {
    case still, rung, waiting(CheckedContinuation<Void, Never>)
  }

  func ring() {
    let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard case .waiting(let waiter) = state else {
        state = .rung
        return nil
      }
      state = .still
      return waiter
    }
    waiter?.resume()
  }

  /// Until it rings, at most `span`, or until the task is cancelled. One waits at a time.
  func wait(for span: Duration, sleeper: any Clock<Duration>) async {
    guard span > .zero else { return }
    await withTaskGroup { group in
      group.addTask { await self.rung() }
      group.addTask { try? await sleeper.sleep(for: span) }
      await group.next()
      group.cancelAll()
    }
  }

  private func rung() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = self.state.withLock { state in
          if case .still = state, !Task.isCancelled {
            state = .waiting(continuation)
            return false
          }
          state = .still
          return true
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      self.release()
    }
  }

  /// Ends a wait without ringing.
  private func release() {
    let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard case .waiting(let waiter) = state else { return nil }
      state = .still
      return waiter
    }
    waiter?.resume()
  }
}
