internal import ArgumentParser
internal import Gate
internal import Store

extension LedgerCommand {
  /// `turnpike ledger list`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists payments and transfers, newest change first.",
      discussion: "`--state redelivered` lists uses that may have been served twice.")

    @OptionGroup var store: StoreOptions

    @Option(help: "Only this state.")
    var state: Selection?

    @Option(help: ArgumentHelp("Rows at most.", valueName: "rows"))
    var limit = 100

    @Flag(help: "Every row, however many.")
    var all = false

    @Flag(help: "Print them as a JSON array.")
    var json = false

    /// More than a person or a pipe wants.
    private static let most = 10_000_000

    func validate() throws {
      guard (1...100_000).contains(self.limit) else {
        throw ValidationError("--limit must be from 1 to 100000; --all lists every row")
      }
    }

    func run() async throws {
      let ledger = try self.store.open()
      let limit = self.all ? Self.most : self.limit
      var payments: [PaymentSummary] = []
      var uses: [LostUse] = []
      // One more than is shown tells whether there are more.
      if self.state == nil || self.state?.payments != nil {
        payments = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.payments(in: self.state?.payments, limit: limit + 1)
        }
      }
      if let kind = self.state?.uses {
        uses = try await StoreOptions.orFail { () async throws(Outage) in
          try await ledger.lostUses(kind, limit: limit + 1)
        }
      }
      let isCut = payments.count > limit || uses.count > limit
      (payments, uses) = (Array(payments.prefix(limit)), Array(uses.prefix(limit)))
      if self.json {
        print(JSONText.array(payments.map(\.json) + uses.map(\.json)).text)
      } else {
        Self.show(payments, uses)
      }
      if isCut { Complaint.say(try await self.more(than: payments, in: ledger)) }
    }

    /// What is said of the rows that are not shown.
    private func more(than shown: [PaymentSummary], in ledger: TransactionalLedger) async throws -> String {
      let hint = "`--limit ROWS` or `--all` shows them"
      let counts = try await StoreOptions.orFail { () async throws(Outage) in try await ledger.countByState()
      }
      let states = self.state.map { $0.payments.map { [$0] } ?? [] } ?? PaymentState.allCases
      let total = states.reduce(0) { $0 + (counts[$1] ?? 0) }
      let seen = UInt64(shown.count { !$0.kind.isTransfer })
      guard total > seen else { return "There are more rows; \(hint)." }
      return "\(total - seen) more payments are not shown; \(hint)."
    }

    private static func show(_ payments: [PaymentSummary], _ uses: [LostUse]) {
      if !payments.isEmpty {
        var table = TextTable("PAYMENT", "KIND", "STATE", "VALUE", "ROUTE", "OF", "UPDATED")
        for payment in payments {
          table.add(
            payment.id.text, payment.kind.isTransfer ? payment.kind.rawValue : payment.bargain.method.name,
            payment.state.rawValue, payment.bargain.value.text,
            payment.kind.isTransfer ? "-" : payment.bargain.scope.route.text, payment.bargain.counterpart,
            payment.updated.text)
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
}
