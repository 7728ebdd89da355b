internal import ArgumentParser
internal import Gate
internal import Octets
internal import Store

extension LedgerCommand {
  /// `turnpike ledger reopen PAYMENT`
  struct Reopen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reopen", abstract: "Asks again about a payment that is stuck.",
      discussion: """
        A running Turnpike finds it within a second and asks its counterpart what became of it. Exit codes: 0 it is asked \
        again, 1 there is none, or it is not stuck.
        """)

    @OptionGroup var store: StoreOptions

    @Argument(help: "The payment's id.")
    var payment: String

    func run() async throws {
      let ledger = try self.store.open()
      let id = PaymentID(self.payment.lowercased())
      let before = try await StoreOptions.orFail { () async throws(Outage) in try await ledger.payment(id) }
      guard let before else {
        Complaint.say("no payment of this id")
        throw ExitCode.failure
      }
      guard before.state == .stuck else {
        Complaint.say("it is \(before.state.rawValue), not stuck")
        throw ExitCode.failure
      }
      _ = try await StoreOptions.orFail { () async throws(Outage) in try await ledger.reopen(id) }
      print("reopened")
    }
  }

  /// `turnpike ledger revoke PAYMENT`
  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "revoke", abstract: "Ends what a payment bought, for all who bear it.",
      discussion: """
        Pass, cookie and payment end together, within a second on every replica; the money stays. Exit codes: 0 revoked, \
        1 nothing of this id.
        """)

    @OptionGroup var store: StoreOptions

    @Argument(help: "The payment's id, or the serial of its pass.")
    var id: String

    func run() async throws {
      let ledger = try self.store.open()
      let text = self.id.lowercased()
      let outcome = try await StoreOptions.orFail { () async throws(Outage) in
        let outcome = try await ledger.revoke(payment: PaymentID(text))
        guard outcome == .missing, let bytes = Hex.decode(text), bytes.count == Serial.byteCount else {
          return outcome
        }
        return try await ledger.revoke(Serial(bytes))
      }
      switch outcome {
      case .revoked: print("revoked")
      case .missing:
        Complaint.say("nothing of this id has a pass")
        throw ExitCode.failure
      }
    }
  }
}
