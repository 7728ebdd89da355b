internal import ArgumentParser
internal import Cashu
internal import Gate
internal import Store

/// `turnpike treasury transfers`
struct TreasuryTransfersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfers", abstract: "Lists what moved in and out of the treasury, newest change first.",
    discussion: "A transfer that is `stuck` is asked about again after `turnpike ledger reopen TRANSFER`.")

  @OptionGroup var options: TreasuryOptions

  @Flag(help: "First find out what became of unfinished ones, as a running Turnpike does by itself.")
  var finish = false

  @Option(help: ArgumentHelp("Rows at most.", valueName: "rows"))
  var limit = 100

  @Flag(help: "Print them as a JSON array.")
  var json = false

  /// Of the newest changes in the book, payments among them.
  private static let mostRead = 100_000

  func validate() throws {
    guard (1...10_000).contains(self.limit) else { throw ValidationError("--limit must be from 1 to 10000") }
  }

  func run() async throws {
    try await self.options.run { opened in
      var rows = try await self.transfers(in: opened.ledger)
      if self.finish {
        for row in rows where row.state.isOpen && row.state != .stuck {
          try await Self.finish(row.id, opened)
        }
        rows = try await self.transfers(in: opened.ledger)
      }
      self.show(Array(rows.prefix(self.limit)))
    }
  }

  private func transfers(in ledger: TransactionalLedger) async throws -> [PaymentSummary] {
    try await StoreOptions.orFail { () async throws(Outage) in
      try await ledger.payments(limit: Self.mostRead).filter { $0.kind.isTransfer }
    }
  }

  /// One that another process works on, or whose time has not come, is left to that.
  private static func finish(_ id: PaymentID, _ opened: TreasuryOptions.Opened) async throws {
    do throws(Outage) {
      _ = try await opened.treasury.finish(id)
    } catch {
      Complaint.say("\(id): \(error.message)")
    }
  }

  private func show(_ rows: [PaymentSummary]) {
    if self.json { return print(JSONText.array(rows.map(Self.json)).text) }
    var table = TextTable("TRANSFER", "KIND", "STATE", "INPUTS", "LEFT", "FEE", "MINT", "UPDATED")
    for row in rows {
      let unit = row.bargain.value.unit
      table.add(
        row.id.text, row.kind.rawValue, row.state.rawValue, "\(row.bargain.value)",
        "\(Amount(row.ending.outflow, unit))",
        "\(row.ending.fee)", row.bargain.counterpart, row.updated.text)
    }
    print(table.text)
    for row in rows where row.state.isOpen {
      if let note = row.ending.note { Complaint.say("\(row.id): \(note)") }
    }
  }

  private static func json(_ row: PaymentSummary) -> JSONText {
    .object([
      ("transfer", .string(row.id.text)), ("kind", .string(row.kind.rawValue)),
      ("state", .string(row.state.rawValue)),
      ("inputs", .unsigned(row.bargain.value.value)), ("unit", .string(row.bargain.value.unit.name)),
      ("left", .unsigned(row.ending.outflow)), ("fee", .integer(row.ending.fee)),
      ("mint", .string(row.bargain.counterpart)), ("note", .optional(row.ending.note)),
      ("updated", .string(row.updated.text)),
    ])
  }
}
