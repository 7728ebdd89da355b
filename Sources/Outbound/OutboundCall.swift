/// Carries one call to a counterpart; a test answers with what it likes.
package protocol OutboundTransport: Sendable {
  /// Comes back within the call's time-out, whatever the counterpart does.
  func send(_ call: OutboundCall) async -> OutboundReply
}

package struct OutboundCall: Sendable {
  package enum Verb: Sendable, Equatable {
    case get
    /// A JSON text.
    case post([UInt8])
  }

  package struct Field: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package var verb: Verb
  /// Absolute, and from the configuration: never from what a client sent.
  package var url: String
  /// Beside `accept` and `content-type`; may hold a secret (`authorization`).
  package var fields: [Field]
  package var timeout: Duration

  package init(_ verb: Verb, _ url: String, fields: [Field] = [], timeout: Duration) {
    self.verb = verb
    self.url = url
    self.fields = fields
    self.timeout = timeout
  }
}

package enum OutboundReply: Sendable, Equatable {
  case answered(status: Int, body: [UInt8], retryAfterSeconds: Int?)
  case silent(Silence)
}

/// Why there is no answer. Only the first case says anything about what the counterpart has done.
package enum Silence: Sendable, Equatable {
  /// The call never left: there was no connection.
  case notSent
  case timedOut
  case disconnected
  /// More than the most bytes we read.
  case tooLong
  /// An answer that is none: a server error, a page of some proxy, JSON of another shape.
  case garbage(status: Int)
}
