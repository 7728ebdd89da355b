internal import Glibc
internal import UnixSignals

/// What the process is told from outside.
enum ServerSignals {
  enum Word: Sendable {
    case reload
    case stop
  }

  /// From now on the signals come here instead of ending the process.
  static func caught() async -> some AsyncSequence<Word, Never> & Sendable {
    await UnixSignalsSequence(trapping: .sighup, .sigterm, .sigint).map { signal in
      signal == .sighup ? .reload : .stop
    }
  }

  /// The second request to stop: nothing waits any more. What was being settled is found again at the next start.
  static func exitAtOnce() -> Never { _exit(1) }
}
