internal import Glibc
internal import Transport

/// How many files and sockets the process may have open at once.
///
/// Most systems begin with 1024 and let a process raise that. Without it a thousand idle connections on one listener
/// would leave none for the store, the mints and the other listeners.
enum OpenFiles {
  /// More than the listeners ever take; some hard limits are in the milliards.
  private static let most: UInt = 65_536
  /// For the store, calls to mints, event loops and logs.
  private static let ownUse = 128
  /// Below this a listener is of no use to a proxy's pool.
  private static let fewestConnections = 16

  /// Raises the limit as far as the system lets us; gives what it is then.
  static func raise() -> Int {
    var limit = rlimit()
    // Its only errors are a wrong resource and a wrong pointer.
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    let before = limit.rlim_cur
    limit.rlim_cur = max(before, min(limit.rlim_max, self.most))
    guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return Int(clamping: before)
    }
    return Int(clamping: limit.rlim_cur)
  }

  /// The connections of one of `listenerCount` listeners, so that together they leave room for the rest.
  static func connections(openFiles: Int, listenerCount: Int) -> Int {
    let share = (openFiles - self.ownUse) / max(1, listenerCount)
    return min(Limits().connections, max(self.fewestConnections, share))
  }
}
