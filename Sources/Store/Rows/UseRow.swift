package import Gate

/// One use of a grant that has been handed out at least once.
package struct UseRow: Hashable, Sendable {
  package enum State: String, Hashable, Sendable, CaseIterable {
    /// Returned: not a byte of its answer went out.
    case granted
    case delivering
    case spent
    /// Lost twice; shown, and not served again.
    case stuck
  }

  package var serial: Serial
  package var number: UInt32
  package var state: State
  package var attempt: UInt32
  package var request: RequestKey?
  /// How often the same request got the same allow again.
  package var repeats: UInt32
  package var hold: Hold
  package var taken: Timestamp
  /// When it was given out a second time, after its first owner was lost.
  package var redelivered: Timestamp?

  package init(
    serial: Serial, number: UInt32, state: State, attempt: UInt32, request: RequestKey?, repeats: UInt32,
    hold: Hold,
    taken: Timestamp, redelivered: Timestamp?
  ) {
    self.serial = serial
    self.number = number
    self.state = state
    self.attempt = attempt
    self.request = request
    self.repeats = repeats
    self.hold = hold
    self.taken = taken
    self.redelivered = redelivered
  }
}
