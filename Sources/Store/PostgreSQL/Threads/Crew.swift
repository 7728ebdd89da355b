internal import Gate

/// A few threads that serve one queue. A thread starts when there is work and none is free, and stays.
///
/// Closing the crew lets its threads end once nothing waits.
final class Crew<Job: Sendable>: Sendable {
  /// Beyond it a request gets an ``Outage`` at once.
  static var maxWaiting: Int { 8_192 }

  private struct State: Sendable {
    var waiting: [Job] = []
    var threads = 0
    var free = 0
    var phase = Phase.open

    enum Phase { case open, closed }
  }

  private enum Admission { case refused, queued, needsThread }

  private let maxThreads: Int
  private let state = Monitor(State())
  private let work: @Sendable (CrewQueue<Job>) -> Void

  /// - Parameter work: serves the queue on one thread until it ends.
  init(maxThreads: Int, work: @escaping @Sendable (CrewQueue<Job>) -> Void) {
    self.maxThreads = maxThreads
    self.work = work
  }

  func close() { self.state.change { $0.phase = .closed } }

  func add(_ job: Job) throws(Outage) {
    let (limit, maxThreads) = (Self.maxWaiting, self.maxThreads)
    let admission = self.state.change { state in
      guard state.waiting.count < limit else { return Admission.refused }
      state.waiting.append(job)
      guard state.free == 0, state.threads < maxThreads else { return .queued }
      state.threads += 1
      return .needsThread
    }
    switch admission {
    case .queued: return
    case .refused: throw Outage(.outage, "Too much waits for the store.", retryAfterSeconds: 1)
    case .needsThread: try self.startThread()
    }
  }

  /// With no thread at all nobody would ever serve what waits, the job just added among it.
  private func startThread() throws(Outage) {
    let (state, work) = (self.state, self.work)
    let queue = CrewQueue<Job>(
      next: { limit in
        state.withLock { $0.free += 1 }
        return state.wait { state in
          guard !state.waiting.isEmpty || state.phase == .closed else { return nil }
          state.free -= 1
          let jobs = Array(state.waiting.prefix(limit))
          state.waiting.removeFirst(jobs.count)
          return jobs
        }
      },
      all: {
        state.withLock { state in
          defer { state.waiting = [] }
          return state.waiting
        }
      })
    do throws(Outage) {
      try BlockingThread.start { work(queue) }
    } catch {
      let isAlone = state.withLock { state in
        state.threads -= 1
        return state.threads == 0
      }
      guard isAlone else { return }
      preconditionFailure("The store's first thread cannot be started.")
    }
  }
}

/// What a thread of a crew serves.
struct CrewQueue<Job: Sendable>: Sendable {
  /// Waits for work; at most so many jobs. None: the crew is closed, and the thread ends.
  let next: @Sendable (_ limit: Int) -> [Job]
  /// All that waits now.
  let all: @Sendable () -> [Job]
}
