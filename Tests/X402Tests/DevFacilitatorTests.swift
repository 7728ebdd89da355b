import Gate
import Octets
import Outbound
import Testing

@testable import X402

@Suite("The facilitator for newcomers")
struct DevFacilitatorTests {
  /// Our own facilitator where a real one would be.
  struct Local: OutboundTransport {
    let facilitator: DevFacilitator

    func send(_ call: OutboundCall) async -> OutboundReply {
      var body: [UInt8] = []
      if case .post(let bytes) = call.verb { body = bytes }
      let path = String(call.url.dropFirst("http://dev.test".count))
      let answer = self.facilitator.answer(path: path, body: body)
      return .answered(status: answer.status, body: answer.body, retryAfterSeconds: nil)
    }
  }

  /// A gate of its own; payments are made by a till's payer.
  static func gate(_ till: X402Till) -> X402Verifier {
    var configuration = till.configuration
    configuration.facilitators = [X402Configuration.Facilitator(url: "http://dev.test")]
    configuration.accepts = configuration.accepts.map {
      var accept = $0
      accept.rpc = nil
      return accept
    }
    let local = Local(facilitator: DevFacilitator(clock: till.clock))
    return X402Verifier(configuration: configuration, transport: local, clock: till.clock)
  }

  static func settle(_ gate: X402Verifier, _ payment: VerifiedPayment) async -> String {
    let claim = Claim(term: ClaimTerm(payment: payment.id, number: 1), counterStarts: []) {
      _ throws(Outage) in
    }
    return await gate.settle(payment, under: claim).name
  }

  @Test("it settles a payment of either version once, and is ready for every network that we know")
  func once() async throws {
    let till = try X402Till()
    let gate = Self.gate(till)
    await gate.refreshSupported()
    #expect(gate.facilitatorsHeard.map(\.state) == [.ready])
    let payment = try await till.payment(try till.v2())
    #expect(await Self.settle(gate, payment) == "settled")
    #expect(await Self.settle(gate, payment) == "rejected spent")
    let payload = try till.payload(try till.authorization { $0.nonce[0] = 1 })
    #expect(await Self.settle(gate, try await till.payment(try till.v1(payload))) == "settled")
  }

  @Test("it refuses what a real one would refuse without its chain")
  func refusals() throws {
    let till = try X402Till()
    let facilitator = DevFacilitator(clock: till.clock)
    let stranger = try #require(Address(X402Till.stranger))
    let rows: [(String, TransferAuthorization)] = [
      ("authorization_value_mismatch", try till.authorization { $0.value = UInt256(1) }),
      ("recipient_mismatch", try till.authorization { $0.to = stranger }),
      ("signature", try till.authorization { $0.from = stranger }),
      ("authorization_valid_before", try till.authorization { $0.validBefore = UInt256(1_800_000_005) }),
      ("authorization_valid_after", try till.authorization { $0.validAfter = UInt256(1_800_000_001) }),
    ]
    for (reason, authorization) in rows {
      let body = FacilitatorBody.make(till.accepted, try till.payload(authorization))
      let answer = String(decoding: facilitator.answer(path: "/verify", body: body).body, as: UTF8.self)
      #expect(answer.contains("\"invalidReason\":\"invalid_exact_evm_payload_\(reason)\""))
    }
    let good = FacilitatorBody.make(till.accepted, try till.payload(try till.authorization()))
    #expect(
      String(decoding: facilitator.answer(path: "/verify", body: good).body, as: UTF8.self).contains("true"))
    #expect(facilitator.answer(path: "/other", body: []).status == 404)
    #expect(
      String(decoding: facilitator.answer(path: "/settle", body: [1]).body, as: UTF8.self).contains(
        "invalid_payload"))
  }
}
