package import Gate
internal import Octets
internal import Transport

/// Where the adapters ask the gate: one for all of them.
package struct GateDesk: Sendable {
  private let gate: Gate
  /// The fields an adapter copies out of a request.
  let fieldsRead: [StaticString]
  /// Those that carry nothing but credentials, and so are taken off every request that passes. `authorization` is not
  /// among them: the app has its own use for it.
  let credentialFields: [StaticString]
  private let observer: any DecisionObserver
  let printer = PagePrinter()

  package init(
    gate: Gate, verifiers: [any PaymentVerifier], observer: any DecisionObserver = SilentDecisions()
  ) {
    self.gate = gate
    self.observer = observer
    self.fieldsRead = Gate.fieldsRead(by: verifiers)
    self.credentialFields =
      ["turnpike-pass"] + verifiers.flatMap(\.credentialFields).filter { $0.description != "authorization" }
  }

  /// What can be said at once.
  func rule(on request: AccessRequest) -> Gate.Ruling {
    let ruling = self.gate.rule(on: request)
    if case .decided(let judgement) = ruling { self.observer.decided(judgement, on: request) }
    return ruling
  }

  /// The answer to what had to wait.
  func decide(_ pending: PendingRequest, on request: AccessRequest) async -> Judgement {
    let judgement = await self.gate.decide(pending)
    self.observer.decided(judgement, on: request)
    return judgement
  }

  /// Asks on behalf of a challenge endpoint: nothing is claimed, settled or taken.
  func review(_ request: AccessRequest) async -> Gate.Review { await self.gate.review(request) }

  /// What a caller, or a question that cannot be read, is answered without the gate.
  func refuse(_ adapter: AccessRequest.Adapter, _ denial: Denial) -> Judgement {
    let judgement = Judgement(.deny(denial), route: nil)
    if denial == .denied { self.observer.refusedCaller(adapter) }
    self.observer.decided(judgement, for: adapter, id: nil)
    return judgement
  }

  /// To be called with what became of an allow; nil when nothing hangs on it.
  func delivery(of judgement: Judgement) -> (@Sendable (Delivery) -> Void)? {
    guard case .allow(let allowance) = judgement.decision, let use = allowance.use else { return nil }
    return { [gate] delivery in
      switch delivery {
      case .written: gate.report(use, .written)
      case .lost: gate.report(use, .lost)
      }
    }
  }

  /// Whether the `authorization` of this request is an offer to us, and so none of the app's business.
  func isOffer(authorizationOf request: AccessRequest) -> Bool {
    let credentials = request.fields.named("authorization")
    guard !credentials.isEmpty else { return false }
    return !self.gate.offers(in: request.claiming(only: credentials)).isEmpty
  }
}

/// Hears every decision, on the thread that made it, for metrics and the decision log.
package protocol DecisionObserver: Sendable {
  /// - Parameter id: the request's identity as the proxy made it; nil where it made none, or nobody could read it.
  func decided(_ judgement: Judgement, for adapter: AccessRequest.Adapter, id: ArraySlice<UInt8>?)

  /// A caller that is none of the proxies: wrong secret, network or certificate. Its denial is told too.
  func refusedCaller(_ adapter: AccessRequest.Adapter)
}

extension DecisionObserver {
  package func refusedCaller(_ adapter: AccessRequest.Adapter) {}
}

extension DecisionObserver {
  fileprivate func decided(_ judgement: Judgement, on request: AccessRequest) {
    self.decided(judgement, for: request.adapter, id: request.id)
  }
}

package struct SilentDecisions: DecisionObserver {
  package init() {}
  package func decided(_ judgement: Judgement, for adapter: AccessRequest.Adapter, id: ArraySlice<UInt8>?) {}
}
