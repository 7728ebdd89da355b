internal import Synchronization

/// So many lines a second and no more.
final class LineLimit: Sendable {
  private struct State {
    var second: ContinuousClock.Instant
    var lines = 0
  }

  private let perSecond: Int
  private let state = Mutex(State(second: .now))

  init(perSecond: Int) { self.perSecond = perSecond }

  func admits(at now: ContinuousClock.Instant = .now) -> Bool {
    self.state.withLock { state in
      if now - state.second >= .seconds(1) { state = State(second: now) }
      state.lines += 1
      return state.lines <= self.perSecond
    }
  }
}
