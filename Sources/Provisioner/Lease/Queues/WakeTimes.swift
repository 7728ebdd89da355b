internal import Gate
internal import Synchronization

/// When each lease is to be looked at again: its paid end, the next look at one that boots, the next try.
final class WakeTimes: Sendable {
  private let times = Mutex<[WorkloadID: Timestamp]>([:])
  private let bell = Bell()
  private let clock: any TimeSource
  /// The longest sleep: the wall clock may be set, and an end is a moment on it.
  private let tick: Duration

  init(clock: any TimeSource, tick: Duration) {
    self.clock = clock
    self.tick = tick
  }

  /// Replaces what was set for it; nil takes it out.
  func set(_ id: WorkloadID, to moment: Timestamp?) {
    let isEarliest = self.times.withLock { times in
      times[id] = moment
      guard let moment else { return false }
      return times.values.allSatisfy { moment <= $0 }
    }
    if isEarliest { self.bell.ring() }
  }

  /// Calls `wake` for each as its moment comes, until cancelled.
  func run(sleeper: any Clock<Duration>, wake: (WorkloadID) -> Void) async {
    while !Task.isCancelled {
      let now = self.clock.now()
      let (due, next) = self.times.withLock { times in
        let due = times.filter { $0.value <= now }.keys
        for id in due { times[id] = nil }
        return (Array(due), times.values.min())
      }
      for id in due { wake(id) }
      let pause = next.map { min(max(.milliseconds(1), $0 - now), self.tick) } ?? self.tick
      await self.bell.wait(for: pause, sleeper: sleeper)
    }
  }
}
