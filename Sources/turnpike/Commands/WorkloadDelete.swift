internal import ArgumentParser
internal import Gate
internal import Outbound
internal import Store

extension WorkloadCommand {
  /// `turnpike workload delete MACHINE`
  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "delete", abstract: "Ends a machine before its time; what is left of it is credit.",
      discussion: """
        Without `--url` it is written into the store, and the running Turnpike ends it within seconds. Exit codes: 0 it \
        ends, 1 it does not.
        """)

    @OptionGroup var store: StoreOptions

    @OptionGroup var shop: OptionalShop

    @Argument(help: "The machine's id.")
    var machine: String

    @Option(help: ArgumentHelp("Why, for its owner.", valueName: "text"))
    var note = "ended by the operator"

    func run() async throws {
      if let shop = try self.shop.shop {
        let pass = self.shop.pass.map { OutboundCall.Field("Turnpike-Pass", $0) }
        return try await shop.ask("DELETE", "/v1/workloads/\(self.machine)", [pass].compactMap { $0 })
      }
      guard let id = WorkloadID(self.machine) else {
        Complaint.say("a machine's id has \(WorkloadID.characterCount) letters and digits")
        throw ExitCode.validationFailure
      }
      let ledger = try self.store.open()
      for _ in 0..<Self.tries {
        let lease = try await StoreOptions.orFail { () async throws(Outage) in try await ledger.lease(id) }
        guard let lease, lease.state.isLive else {
          Complaint.say(lease == nil ? "no machine of this id" : "it is gone already")
          throw ExitCode.failure
        }
        let changed = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.change(lease, by: .expiring(.credited, note: self.note))
        }
        if let changed {
          return print("\(changed.id) ends; \(changed.credit.components.seconds) s are credit")
        }
      }
      Complaint.say("its row keeps changing; try again")
      throw ExitCode.failure
    }

    /// The service may change the row at the same time.
    private static let tries = 10
  }
}
