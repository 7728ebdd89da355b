internal import JSON
internal import Outbound

/// The calls we make to one facilitator (x402 V2 §7).
struct FacilitatorClient: Sendable {
  let facilitator: X402Configuration.Facilitator
  private let transport: any OutboundTransport

  init(_ facilitator: X402Configuration.Facilitator, transport: any OutboundTransport) {
    self.facilitator = facilitator
    self.transport = transport
  }

  func verify(_ body: [UInt8]) async -> VerifyAnswer {
    VerifyAnswer(await self.post("/verify", body, timeout: self.facilitator.verifyTimeout))
  }

  /// - Parameter networks: what the answer may call the network.
  func settle(_ body: [UInt8], networks: [String]) async -> SettleAnswer {
    SettleAnswer(
      await self.post("/settle", body, timeout: self.facilitator.settleTimeout), networks: networks)
  }

  /// Nil without a good answer.
  func supported() async -> Supported? {
    let call = OutboundCall(
      .get, self.facilitator.url + "/supported", fields: self.fields, timeout: self.facilitator.verifyTimeout)
    guard case .answered(200, let body, _) = await self.transport.send(call),
      let json = try? JSONReader.read(body)
    else { return nil }
    return Supported(json)
  }

  private func post(_ path: String, _ body: [UInt8], timeout: Duration) async -> OutboundReply {
    await self.transport.send(
      OutboundCall(.post(body), self.facilitator.url + path, fields: self.fields, timeout: timeout))
  }

  private var fields: [OutboundCall.Field] {
    self.facilitator.authorization.map { [OutboundCall.Field("authorization", $0)] } ?? []
  }
}
