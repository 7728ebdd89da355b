internal import ArgumentParser
internal import Gate
internal import Store

extension LedgerCommand {
  /// `turnpike ledger show PAYMENT`
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
