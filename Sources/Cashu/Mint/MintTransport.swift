/// Carries one call to a mint; a test answers with what it likes.
package protocol MintTransport: Sendable {
  /// Comes back within the call's time-out, whatever the mint does.
  func send(_ call: MintCall, to mint: MintURL) async -> MintReply
}

package struct MintCall: Sendable {
  package enum Verb: Sendable, Equatable {
    case get
    case post([UInt8])
  }

  package var verb: Verb
  /// Below the mint's address, with a slash in front.
  package var path: String
  package var timeout: Duration

  package init(_ verb: Verb, _ path: String, timeout: Duration) {
    self.verb = verb
    self.path = path
    self.timeout = timeout
  }
}

package enum MintReply: Sendable, Equatable {
  case answered(status: Int, body: [UInt8], retryAfterSeconds: Int?)
  case silent(MintSilence)
}

/// Why there is no answer. Only the first case says anything about what the mint has done.
package enum MintSilence: Sendable, Equatable {
  /// The call never left: there was no connection.
  case notSent
  case timedOut
  case disconnected
  /// More than the most bytes we read.
  case tooLong
  /// An answer that is none: a server error, a page of some proxy, JSON of another shape.
  case garbage(status: Int)
}
