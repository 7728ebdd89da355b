internal import ArgumentParser
internal import Gate
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

    @Argument(help: MachineArgument.help, transform: MachineArgument.read)
    var machine: WorkloadID

    @Option(help: ArgumentHelp("Why, for its owner.", valueName: "text"))
    var note = "ended by the operator"

    func run() async throws {
      if let shop = try self.shop.shop {
        return try await shop.ask("DELETE", "/v1/workloads/\(self.machine)", try self.shop.fields)
      }
      let ledger = try self.store.open()
      for _ in 0..<Self.tries {
        let lease = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.lease(self.machine)
        }
        guard let lease, lease.state.isLive else {
          Complaint.say(lease == nil ? "no machine of this name" : "it is gone already")
          throw ExitCode.failure
        }
        let changed = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.change(lease, by: .expiring(.credited, note: self.note))
        }
        if let changed {
          return print("\(changed.id.podName) ends; \(changed.credit.components.seconds) s are credit")
        }
      }
      Complaint.say("its row keeps changing; try again")
      throw ExitCode.failure
    }

    /// The service may change the row at the same time.
    private static let tries = 10
  }
}
