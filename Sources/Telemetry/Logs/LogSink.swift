internal import Glibc

/// Where lines of the log go.
package protocol LogSink: Sendable {
  /// One line, with its end, in one piece.
  func write(_ line: [UInt8])
}

/// Standard error, one `write(2)` a line, so that lines of several threads do not mix.
package struct StandardError: LogSink {
  package init() {}

  package func write(_ line: [UInt8]) {
    var rest = line[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      // Nobody reads: there is nowhere to say so.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
