internal import Gate
private import Glibc

/// A thread of our own, for calls that block: the cooperative pool has none to spare.
enum BlockingThread {
  /// Runs `body` on a new thread, which ends with it.
  static func start(_ body: @escaping @Sendable () -> Void) throws(Outage) {
    let context = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
    var thread = pthread_t()
    let failure = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        let body = unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        body.run()
        return nil
      }, context)
    guard failure == 0 else {
      unsafe Unmanaged<Body>.fromOpaque(context).release()
      throw Outage(.outage, "The store cannot start a thread: errno \(failure).")
    }
    pthread_detach(thread)
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
