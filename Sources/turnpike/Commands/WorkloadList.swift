internal import ArgumentParser
internal import Gate
internal import Store

extension WorkloadCommand {
  /// `turnpike workload list`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists machines, the newest first; those that are gone too.")

    @OptionGroup var store: StoreOptions

    @Option(help: ArgumentHelp("Rows at most.", valueName: "rows"))
    var limit = 100

    @Flag(help: "Print them as a JSON array.")
    var json = false

    func validate() throws {
      guard (1...100_000).contains(self.limit) else {
        throw ValidationError("--limit must be from 1 to 100000")
      }
    }

    func run() async throws {
      let ledger = try self.store.open()
      let leases = try await StoreOptions.orFail { () async throws(Outage) in
        try await ledger.leases(limit: self.limit)
      }
      if self.json { return print(JSONText.array(leases.map(Self.record)).text) }
      guard !leases.isEmpty else { return Complaint.say("none") }
      var table = TextTable("MACHINE", "STATE", "KIND", "PORT", "END", "CREDIT", "PAYMENT", "NOTE")
      for lease in leases {
        let credit = lease.spare > .zero ? "\(lease.spare.components.seconds)s" : "-"
        table.add(
          lease.id.podName, lease.state.rawValue, lease.spec.text, lease.port.map { "\($0)" } ?? "-",
          lease.stop.text, credit, lease.payment.text, lease.note ?? "-")
      }
      print(table.text)
    }

    private static func record(_ lease: Lease) -> JSONText {
      .object([
        ("id", .string(lease.id.text)), ("state", .string(lease.state.rawValue)),
        ("spec", .string(lease.spec.text)), ("backend", .string(lease.backend)),
        ("port", lease.port.map { .unsigned(UInt64($0)) } ?? .null), ("ordered", .string(lease.ordered.text)),
        ("end", .string(lease.stop.text)), ("creditSeconds", .integer(lease.spare.components.seconds)),
        ("payment", .string(lease.payment.text)), ("note", .optional(lease.note)),
      ])
    }
  }
}
