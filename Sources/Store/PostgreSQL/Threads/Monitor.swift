private import Glibc

/// A value behind a lock, and a way to wait for it to change; for threads of our own that may block.
///
/// `@unchecked`: the value is touched under the mutex only, and the two pointers never change.
@safe final class Monitor<State: Sendable>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  init(_ state: State) {
    self.state = state
    unsafe self.mutex = .allocate(capacity: 1)
    unsafe self.changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(self.mutex, nil)
    // On the monotonic clock, so that no jump of the wall clock lengthens a wait.
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(self.changed, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(self.changed)
    unsafe pthread_mutex_destroy(self.mutex)
    unsafe self.changed.deallocate()
    unsafe self.mutex.deallocate()
  }

  /// Reads or changes the value; whoever waits looks again.
  func change<R>(_ body: (inout State) -> R) -> R {
    unsafe pthread_mutex_lock(self.mutex)
    defer {
      unsafe pthread_cond_broadcast(self.changed)
      unsafe pthread_mutex_unlock(self.mutex)
    }
    return body(&self.state)
  }

  /// Reads or changes the value in a way that nobody waits for.
  func withLock<R>(_ body: (inout State) -> R) -> R {
    unsafe pthread_mutex_lock(self.mutex)
    defer { unsafe pthread_mutex_unlock(self.mutex) }
    return body(&self.state)
  }

  /// Waits until `body` has an answer; blocks the thread.
  func wait<R>(_ body: (inout State) -> R?) -> R {
    unsafe pthread_mutex_lock(self.mutex)
    defer { unsafe pthread_mutex_unlock(self.mutex) }
    while true {
      if let answer = body(&self.state) { return answer }
      unsafe pthread_cond_wait(self.changed, self.mutex)
    }
  }

  /// Waits until `body` has an answer, at most so long; nil when the time ended first.
  func wait<R>(atMost time: Duration, _ body: (inout State) -> R?) -> R? {
    var end = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &end)
    let (seconds, attoseconds) = time.components
    let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
    end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
    end.tv_nsec = nanoseconds % 1_000_000_000
    unsafe pthread_mutex_lock(self.mutex)
    defer { unsafe pthread_mutex_unlock(self.mutex) }
    while true {
      if let answer = body(&self.state) { return answer }
      if unsafe pthread_cond_timedwait(self.changed, self.mutex, &end) == ETIMEDOUT {
        return body(&self.state)
      }
    }
  }
}
