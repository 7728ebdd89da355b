package import Gate
private import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: TimeSource {
  private let moment: Mutex<Timestamp>

  /// Starts at 2026-01-01 unless told otherwise.
  package init(_ start: Timestamp = Timestamp(seconds: 1_767_225_600)) { self.moment = Mutex(start) }

  package func now() -> Timestamp { self.moment.withLock { $0 } }

  package func advance(by span: Duration) { self.moment.withLock { $0 = $0 + span } }
}
