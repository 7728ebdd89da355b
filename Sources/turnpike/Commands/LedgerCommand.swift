internal import ArgumentParser
internal import Gate
internal import Store

/// `turnpike ledger list|show`
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Shows payments and uses.", subcommands: [List.self, Show.self])

  /// What can be listed: the states of payments, and of uses that a crash may have served twice or lost.
  enum Selection: String, CaseIterable, ExpressibleByArgument {
    case reserved, settling, settled, rejected, unknown
    /// Payments that a counterpart holds, and uses that were lost twice.
    case stuck
    case redelivered

    var payments: PaymentState? { PaymentState(rawValue: self.rawValue) }
    var uses: LostUse.Kind? { LostUse.Kind(rawValue: self.rawValue) }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists payments, newest change first.",
      discussion: "`--state redelivered` lists uses that may have been served twice.")

    @OptionGroup var store: StoreOptions

    @Option(help: "Only this state.")
    var state: Selection?

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
      var payments: [PaymentSummary] = []
      var uses: [LostUse] = []
      if self.state == nil || self.state?.payments != nil {
        payments = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.payments(in: self.state?.payments, limit: self.limit)
        }
      }
      if let kind = self.state?.uses {
        uses = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.lostUses(kind, limit: self.limit)
        }
      }
      if self.json {
        print(JSONText.array(payments.map(\.json) + uses.map(\.json)).text)
      } else {
        Self.show(payments, uses)
      }
    }

    private static func show(_ payments: [PaymentSummary], _ uses: [LostUse]) {
      if !payments.isEmpty {
        var table = TextTable("PAYMENT", "STATE", "VALUE", "ROUTE", "OF", "UPDATED")
        for payment in payments {
          table.add(
            payment.id.text, payment.state.rawValue, "\(payment.bargain.value)",
            payment.bargain.scope.route.text,
            payment.bargain.counterpart, payment.updated.text)
        }
        print(table.text)
      }
      if !uses.isEmpty {
        var table = TextTable("PAYMENT", "USE", "STATE", "TAKEN", "REDELIVERED")
        for lost in uses {
          table.add(
            lost.payment.text, "\(lost.use.number)", lost.use.state.rawValue, lost.use.taken.text,
            lost.use.redelivered?.text ?? "-")
        }
        print(table.text)
      }
      if payments.isEmpty, uses.isEmpty { Complaint.say("none") }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Shows one payment.", discussion: "Exit codes: 0 shown, 1 not known.")

    @OptionGroup var store: StoreOptions

    @Argument(help: "The payment's id.")
    var payment: String

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
      let ledger = try self.store.open()
      let found = try await StoreOptions.orFail { () async throws(Outage) in
        try await ledger.payment(PaymentID(self.payment.lowercased()))
      }
      guard let found else {
        Complaint.say("no payment of this id")
        throw ExitCode.failure
      }
      print(self.json ? found.json.text : found.text)
    }
  }
}
