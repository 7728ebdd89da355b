internal import Digest
internal import Gate
internal import JSON
internal import Octets

/// Whether a payload pays a quote, as far as can be told without asking anyone: the cheap checks first, the
/// curve last (x402 V2 `exact` on EVM, "Verification logic"). Its end is judged when it is settled: one that
/// was settled in time stays good for what is left of it, however late it is shown again.
struct PaymentJudge: Sendable {
  enum Finding: Sendable {
    case good(SettlePlan, Nullifier, PaymentRequirements)
    case rejected(Rejection)
  }

  let configuration: X402Configuration
  let now: Timestamp
  /// Of an SVM network, for payers who were not told one.
  let feePayer: @Sendable (Network) -> String?

  func judge(_ payload: PaymentPayload, against quote: Quote) -> Finding {
    guard self.configuration.versions.contains(payload.version) else { return .rejected(.wrongScheme) }
    switch payload {
    case .v1(let payment): return self.judge(payment, quote)
    case .v2(let payment): return self.judge(payment, quote)
    }
  }

  // MARK: V2: the payer says which offer he took

  private func judge(_ payment: PaymentPayloadV2, _ quote: Quote) -> Finding {
    let accepted = payment.accepted
    guard let scheme = accepted["scheme"]?.string, let network = accepted["network"]?.string,
      let asset = accepted["asset"]?.string, let payTo = accepted["payTo"]?.string,
      let exact = ExactPayload(payment.payload)
    else { return .rejected(.malformed) }
    guard scheme == Scheme.exact.rawValue else { return .rejected(.wrongScheme) }
    var accepts = self.configuration.accepts.filter { $0.network.name == network }
    guard !accepts.isEmpty else { return .rejected(.wrongNetwork) }
    accepts.removeAll { !$0.isAddress(asset, $0.asset.address) }
    guard !accepts.isEmpty else { return .rejected(.wrongAsset) }
    accepts.removeAll { !$0.isAddress(payTo, $0.payTo) }
    guard !accepts.isEmpty else { return .rejected(.wrongPayee) }
    guard let accept = accepts.first(where: { $0.transfer == exact.transfer }) else {
      return .rejected(.malformed)
    }
    guard let price = quote.tariff.price(in: accept.unit) else { return .rejected(.wrongAsset) }
    let requirements = PaymentRequirements(
      accept: accept, amount: price.value, flow: self.configuration.flow,
      feePayer: accepted["extra"]?["feePayer"]?.string)
    if let rejection = requirements.difference(from: accepted) { return .rejected(rejection) }
    if let rejection = self.fault(of: exact, requirements) { return .rejected(rejection) }
    // Ours as we asked it: what a client adds is for nobody, and the secret is for us alone.
    let asked = requirements.jsonV2(secret: nil)
    let extensions = payment.extensions.filter { $0.name != PaymentIdentifier.key }
    let body = JSON.record([
      "x402Version": .unsigned(2),
      "paymentPayload": .record([
        "x402Version": .unsigned(2), "accepted": asked, "payload": payment.payload,
        "extensions": extensions.isEmpty ? nil : .object(extensions),
      ]),
      "paymentRequirements": asked,
    ])
    return self.good(exact, requirements, .v2, body)
  }

  // MARK: V1: the payer names the network only

  /// The first offer that fits; else what is wrong with the one that fits best, which is the last that was
  /// reached.
  private func judge(_ payment: PaymentPayloadV1, _ quote: Quote) -> Finding {
    guard let exact = ExactPayload(payment.payload) else { return .rejected(.malformed) }
    guard payment.scheme == Scheme.exact.rawValue else { return .rejected(.wrongScheme) }
    let accepts = self.configuration.accepts.filter {
      $0.network.nameV1 == payment.network && $0.transfer == exact.transfer
    }
    guard !accepts.isEmpty else { return .rejected(.wrongNetwork) }
    var worst = Rejection.wrongAsset
    for accept in accepts {
      guard let price = quote.tariff.price(in: accept.unit) else { continue }
      let requirements = PaymentRequirements(
        accept: accept, amount: price.value, flow: self.configuration.flow,
        feePayer: self.feePayer(accept.network))
      if let rejection = self.fault(of: exact, requirements) {
        worst = rejection
        continue
      }
      guard let asked = requirements.jsonV1(resource: Self.resource(quote)) else { continue }
      let body = JSON.record([
        "x402Version": .unsigned(1),
        "paymentPayload": .record([
          "x402Version": .unsigned(1), "scheme": .string(payment.scheme), "network": .string(payment.network),
          "payload": payment.payload,
        ]),
        "paymentRequirements": asked,
      ])
      return self.good(exact, requirements, .v1, body)
    }
    return .rejected(worst)
  }

  /// V1 wants a URL where V2 wants none; nobody signs it. The route that is paid is in our own book.
  private static func resource(_ quote: Quote) -> String {
    "https://\(quote.scope.host.isEmpty ? "localhost" : quote.scope.host)/"
  }

  // MARK: Both

  private func fault(of exact: ExactPayload, _ requirements: PaymentRequirements) -> Rejection? {
    let accept = requirements.accept
    let amount = UInt256(requirements.amount)
    switch exact {
    // Only the facilitator can read it.
    case .svm: return nil
    case .eip3009(let authorization, let signature):
      guard authorization.to == Address(accept.payTo) else { return .wrongPayee }
      // V1's own text allows more; its facilitators do not (SDK 2.25).
      guard authorization.value == amount else { return .wrongAmount }
      guard authorization.validAfter.seconds <= self.now.seconds else { return .invalid }
      return Self.fault(of: signature, authorization, accept.asset)
    case .permit2(let transfer):
      guard transfer.to == Address(accept.payTo) else { return .wrongPayee }
      guard transfer.token == Address(accept.asset.address) else { return .wrongAsset }
      guard transfer.amount == amount else { return .wrongAmount }
      guard transfer.spender == Permit2Transfer.exactProxy else { return .invalid }
      return transfer.validAfter.seconds <= self.now.seconds ? nil : .invalid
    }
  }

  /// A signature of another length is that of a smart account (ERC-1271, ERC-6492), whom only the chain can
  /// ask.
  private static func fault(
    of signature: [UInt8], _ authorization: TransferAuthorization, _ asset: Asset
  ) -> Rejection? {
    guard signature.count == RecoverableSignature.byteCount else { return nil }
    guard let domain = asset.domain, let recoverable = RecoverableSignature(signature) else {
      return .invalid
    }
    let digest = domain.digest(of: authorization.structHash)
    return recoverable.signer(of: digest) == authorization.from ? nil : .invalid
  }

  private func good(
    _ exact: ExactPayload, _ requirements: PaymentRequirements, _ version: X402Configuration.Version,
    _ body: JSON
  ) -> Finding {
    let accept = requirements.accept
    let plan = SettlePlan(
      version: version, network: accept.network.name, asset: accept.asset.address, payTo: accept.payTo,
      value: requirements.amount, mark: exact.mark, payer: exact.payer?.description,
      body: JSONWriter.write(body))
    return .good(plan, exact.nullifier(on: accept.asset), requirements)
  }
}

extension X402Configuration.Accept {
  /// EVM addresses are the same in every case; Solana's are not.
  fileprivate func isAddress(_ text: String, _ ours: String) -> Bool {
    switch self.network.family {
    case .evm: Address(text).map { $0 == Address(ours) } ?? false
    case .svm: text == ours
    }
  }
}

extension Asset {
  /// Nil off the EVM.
  package var domain: EIP712Domain? {
    guard case .evm(let chainID) = self.network.family, let contract = Address(self.address) else {
      return nil
    }
    return EIP712Domain(
      name: self.name, version: self.version, chainID: chainID, verifyingContract: contract)
  }
}

extension ExactPayload {
  /// What the chain keeps of it.
  fileprivate var mark: SettlePlan.Mark {
    switch self {
    case .eip3009(let authorization, _):
      .authorization(
        from: authorization.from, nonce: authorization.nonce, validBefore: authorization.validBefore)
    case .permit2(let transfer):
      .permit(owner: transfer.from, nonce: transfer.nonce, deadline: transfer.deadline)
    case .svm: .none
    }
  }
}
