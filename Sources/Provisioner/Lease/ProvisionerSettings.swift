/// What is configured of machines, whatever makes them.
package struct ProvisionerSettings: Sendable {
  /// The name or address that buyers reach the host by; no port.
  package var host: String
  package var specs: [WorkloadSpec]
  /// Machines at the same time, all kinds together.
  package var maximum: Int
  package var rules: LeaseRules
  package var rhythm = Rhythm()

  /// How often is looked, and how much is done at a time.
  package struct Rhythm: Sendable {
    /// Between two comparisons of book and backend.
    package var round: Duration = .seconds(10)
    /// Between two examinations of a backend that is unfit.
    package var examination: Duration = .seconds(30)
    /// The longest sleep of the deadline queue.
    package var tick: Duration = .seconds(1)
    /// Leases worked on at the same time.
    package var steps = 64
    /// How long something of ours must run without a lease before it is removed.
    package var orphanGrace: Duration = .seconds(30)
    /// How long after its end, or its order where it never ran, a machine of another backend's counts as left alone:
    /// longer than any start takes.
    package var abandonment: Duration = .seconds(900)
    /// How long ``WorkloadOffice/end(_:note:)`` waits for the removal, which goes on after it.
    package var endPatience: Duration = .seconds(25)
    /// How often those who wait read a row that another process may change.
    package var reread: Duration = .milliseconds(100)

    package init() {}
  }

  package init(host: String, specs: [WorkloadSpec], maximum: Int, rules: LeaseRules = LeaseRules()) {
    self.host = host
    self.specs = specs
    self.maximum = maximum
    self.rules = rules
  }
}
