package import JSON
internal import Octets
package import Outbound

/// The calls we make to one mint, at its configured address.
package struct MintClient: Sendable {
  package struct Timeouts: Sendable {
    /// A swap of 32 inputs takes a quarter of a second at a mint of its own; the rest is for a busy one.
    package var swap: Duration = .seconds(10)
    package var others: Duration = .seconds(5)
    /// A Lightning payment may be on its way for a minute; what is unknown after that is asked for again.
    package var melt: Duration = .seconds(60)

    package init() {}
  }

  package let url: MintURL
  let transport: any OutboundTransport
  let timeouts: Timeouts

  package init(url: MintURL, transport: any OutboundTransport, timeouts: Timeouts = Timeouts()) {
    self.url = url
    self.transport = transport
    self.timeouts = timeouts
  }

  /// NUT-06: `GET /v1/info`.
  package func info() async -> MintAnswer<JSON> {
    MintAnswer(await self.get("/v1/info")) { $0.members == nil ? nil : $0 }
  }

  /// NUT-02: `GET /v1/keysets`.
  func keysets() async -> MintAnswer<[KeysetJSON.Listing]> {
    MintAnswer(await self.get("/v1/keysets")) { KeysetJSON.listings($0) }
  }

  /// NUT-01: `GET /v1/keys/{id}`. The caller computes the identifier again.
  func keys(of id: KeysetID) async -> MintAnswer<[UInt64: Point]> {
    MintAnswer(await self.get("/v1/keys/\(id)")) { KeysetJSON.keys(of: id, in: $0) }
  }

  /// NUT-03: `POST /v1/swap`, with a body made once and sent as often as needed.
  func swap(_ body: [UInt8]) async -> MintAnswer<[BlindSignature]> {
    let call = OutboundCall(.post(body), self.url.text + "/v1/swap", timeout: self.timeouts.swap)
    return MintAnswer(await self.transport.send(call)) { answer in
      guard let items = answer["signatures"]?.array else { return nil }
      let signatures = items.compactMap(BlindSignature.init)
      return signatures.count == items.count ? signatures : nil
    }
  }

  /// NUT-09: `POST /v1/restore`. Answers are matched by `B_`: the mint lists only those it signed.
  func restore(_ outputs: [BlindedMessage]) async -> MintAnswer<[BlindSignature?]> {
    let body = JSON.record(["outputs": .array(outputs.map(\.json))])
    return MintAnswer(await self.post("/v1/restore", body)) { answer in
      guard let restored = answer["outputs"]?.array, let signatures = answer["signatures"]?.array,
        restored.count == signatures.count
      else { return nil }
      var byMessage: [[UInt8]: BlindSignature] = [:]
      for (output, signature) in zip(restored, signatures) {
        guard let B_ = output["B_"]?.string.flatMap({ Hex.decode($0) }),
          let signature = BlindSignature(signature)
        else { return nil }
        byMessage[B_] = signature
      }
      return outputs.map { byMessage[$0.B_.compressed] }
    }
  }

  /// NUT-07: `POST /v1/checkstate`, one state for each `Y` in their order.
  func states(of nullifiers: [[UInt8]]) async -> MintAnswer<[ProofState]> {
    let texts = nullifiers.map { Hex.encode($0) }
    let body = JSON.record(["Ys": .array(texts.map { .string($0) })])
    return MintAnswer(await self.post("/v1/checkstate", body)) { answer in
      var byNullifier: [String: ProofState] = [:]
      for item in answer["states"]?.array ?? [] {
        guard let Y = item["Y"]?.string, let state = item["state"]?.string.flatMap(ProofState.init(rawValue:))
        else {
          return nil
        }
        byNullifier[Y.lowercased()] = state
      }
      let states = texts.compactMap { byNullifier[$0] }
      return states.count == texts.count ? states : nil
    }
  }

  func get(_ path: String) async -> OutboundReply {
    await self.transport.send(
      OutboundCall(.get, self.url.text + path, timeout: self.timeouts.others))
  }

  func post(_ path: String, _ body: JSON) async -> OutboundReply {
    let call = OutboundCall(
      .post(JSONWriter.write(body)), self.url.text + path, timeout: self.timeouts.others)
    return await self.transport.send(call)
  }
}
