internal import ArgumentParser
internal import Cashu
internal import Gate

/// `turnpike treasury restore`
struct TreasuryRestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Finds the treasury's money again from its seed.",
    discussion: """
      Asks every configured mint what it ever signed for this seed, and adds what is unspent and not in the book. For a \
      store that was lost: put the file `treasury-seed` back into the keys directory first. It may be repeated; nothing \
      is counted twice. A token that was exported and not taken yet is found too, if the lost store was all that knew of it.
      """)

  @OptionGroup var options: TreasuryOptions

  @Option(help: ArgumentHelp("Only this mint.", valueName: "url"))
  var mint: String?

  @Flag(help: "Print it as JSON: one object for each keyset.")
  var json = false

  func run() async throws {
    try await self.options.run(absent: .isMade) { opened in
      var found: [Treasury.Restored] = []
      do {
        try await opened.treasury.restore(from: self.mint) { found.append($0) }
      } catch {
        // What was found before is in the book; of the rest nothing is known.
        if !found.isEmpty { self.show(found, in: opened.unit) }
        throw error
      }
      self.show(found, in: opened.unit)
    }
  }

  private func show(_ found: [Treasury.Restored], in unit: Amount.Unit) {
    if self.json {
      let rows = found.map { row in
        JSONText.object([
          ("mint", .string(row.mint)), ("keyset", .string(row.keyset)), ("added", .unsigned(row.found.added)),
          ("known", .unsigned(row.found.known)), ("pending", .unsigned(row.pending)),
          ("unit", .string(unit.name)),
        ])
      }
      return print(JSONText.array(rows).text)
    }
    guard !found.isEmpty else { return print("Nothing was ever signed for this seed.") }
    var table = TextTable("MINT", "KEYSET", "ADDED", "KNOWN", "PENDING")
    for row in found {
      table.add(
        row.mint, row.keyset, "\(Amount(row.found.added, unit))", "\(Amount(row.found.known, unit))",
        "\(Amount(row.pending, unit))")
    }
    print(table.text)
  }
}
