internal import Cashu
internal import Gate
internal import PublicAPI
internal import X402

/// The ways to pay of one process, and what works on them beside the requests.
struct PaymentMethods: Sendable {
  let cash: Cash?
  let x402: X402Verifier?

  /// Everything that deals with mints.
  struct Cash: Sendable {
    var verifier: CashuVerifier
    /// Redeems paid invoices; there also where none are made any more, for those that are left.
    var lightning: LightningVerifier
    /// Nil where no invoices are made.
    var invoices: Invoices?
    var redeemer: Redeemer
    /// Nil where nothing is paid out by itself.
    var payout: Payout?
    var makeWatch: @Sendable (Gate) -> InvoiceWatch
  }

  /// In the order in which they are offered.
  var verifiers: [any PaymentVerifier] {
    let all: [(any PaymentVerifier)?] = [self.cash?.verifier, self.cash?.lightning, self.x402]
    return all.compactMap { $0 }
  }

  /// Keeps what is known of mints and facilitators fresh, redeems what was taken on trust, watches invoices and pays out;
  /// until cancelled.
  func run(for gate: Gate) async {
    await withTaskGroup { services in
      services.addTask { await self.x402?.run() }
      guard let cash = self.cash else { return }
      services.addTask { await cash.verifier.run() }
      services.addTask { await cash.redeemer.run() }
      services.addTask { await cash.makeWatch(gate).run() }
      services.addTask { await cash.payout?.run() }
    }
  }

  /// What each mint and facilitator was last heard to say, for health and metrics.
  var counterparts: [CounterpartReport] {
    let mints = self.cash?.verifier.mintsHeard.map { mint in
      CounterpartReport(kind: .mint, name: mint.mint, state: mint.hasKeysets ? .ready : .notHeard)
    }
    let facilitators = self.x402?.facilitatorsHeard.map { facilitator in
      let state: CounterpartReport.State =
        switch facilitator.state {
        case .notHeard: .notHeard
        case .ready: .ready
        case .lacks(let what): .lacks(what)
        }
      return CounterpartReport(kind: .facilitator, name: facilitator.url, state: state)
    }
    return (mints ?? []) + (facilitators ?? [])
  }
}

extension Invoices: InvoiceSource {}

/// Whether something that we sell by, a mint or a facilitator, or the place where machines run, was heard, and can do
/// what the configuration promises.
struct CounterpartReport: Hashable, Sendable {
  enum Kind: String, Hashable, Sendable {
    case mint, facilitator
    case machines
  }

  enum State: Hashable, Sendable {
    case notHeard
    case ready
    case lacks([String])
    /// It can do nothing now, for this reason.
    case unfit(String)
  }

  var kind: Kind
  var name: String
  var state: State
}
