/// What is known of a facilitator: for health, metrics and the log at the start.
package struct FacilitatorReport: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    case notHeard
    case ready
    /// What the configuration promises and it does not do.
    case lacks([String])
  }

  package var url: String
  package var state: State
}
