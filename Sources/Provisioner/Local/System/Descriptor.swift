internal import Glibc

/// One open file, socket, pipe end or process; closed with its last reference.
final class Descriptor: Sendable {
  let raw: CInt

  init(_ raw: CInt) { self.raw = raw }
  deinit { close(self.raw) }

  static func open(_ path: String, _ flags: CInt, mode: mode_t = 0) throws(SystemFault) -> Descriptor {
    let raw = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
    guard raw >= 0 else { throw SystemFault("open", path) }
    return Descriptor(raw)
  }

  static func pipe() throws(SystemFault) -> (read: Descriptor, write: Descriptor) {
    var ends: [CInt] = [0, 0]
    guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemFault("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (Descriptor(ends[0]), Descriptor(ends[1]))
  }

  /// The same under a number of at least `least`.
  func duplicate(atLeast least: CInt) throws(SystemFault) -> Descriptor {
    let raw = fcntl(self.raw, F_DUPFD_CLOEXEC, least)
    guard raw >= 0 else { throw SystemFault("fcntl") }
    return Descriptor(raw)
  }

  func write(_ bytes: [UInt8]) throws(SystemFault) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(self.raw, $0.baseAddress! + done, $0.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw SystemFault("write") }
      done += count
    }
  }

  /// What is there now, at most `limit` bytes; empty at the end.
  func read(atMost limit: Int) throws(SystemFault) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    while true {
      let count = unsafe Glibc.read(self.raw, &buffer, limit)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw SystemFault("read") }
      return Array(buffer[0..<count])
    }
  }

  /// Waits until it can be read or its other end is gone; false when the time was over first.
  func waitReadable(until end: ContinuousClock.Instant) -> Bool {
    while true {
      let left = max(.zero, ContinuousClock.now.duration(to: end)).components
      let milliseconds = CInt(clamping: left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1)
      var waiting = pollfd(fd: self.raw, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&waiting, 1, milliseconds)
      if ready > 0 { return true }
      if ready == 0 || errno != EINTR { return false }
    }
  }
}
