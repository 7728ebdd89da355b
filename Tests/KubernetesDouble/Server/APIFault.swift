/// A disturbance that a test orders.
package enum APIFault: Sendable, Equatable {
  /// Answered instead of doing it.
  case status(Int, reason: String, retryAfterSeconds: Int? = nil)
  /// The connection ends without an answer; nothing was done.
  case drop
  /// It is done, and the connection ends without an answer.
  case dropAfterwards
  /// It is never answered.
  case stall
  /// From this request on nothing is answered, and all watches end, until ``APIServerDouble/restore()``.
  case down
  /// Answered with these bytes and 200.
  case garbage([UInt8])
}

/// A rule of a role: `create` on `jobs`.
package struct Permission: Hashable, Sendable {
  package var verb: String
  package var resource: String

  package init(_ verb: String, _ resource: String) {
    self.verb = verb
    self.resource = resource
  }
}
