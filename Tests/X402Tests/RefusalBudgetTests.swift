import Gate
import Outbound
import Testing

@testable import X402

/// A signature costs a stranger nothing, and a facilitator's refusal costs us calls and a row.
@Suite("Clients whose payments are refused")
struct RefusalBudgetTests {
  static let refusal = OutboundReply.answered(
    status: 200, body: Array(#"{"isValid":false,"invalidReason":"insufficient_funds"}"#.utf8),
    retryAfterSeconds: nil)
  static let spammer = ClientAddress(octets: [192, 0, 2, 1])

  /// Whether the facilitator was asked.
  static func brings(
    _ till: X402Till, _ number: Int, from client: ClientAddress?
  ) async throws -> Outage? {
    let nonce = [UInt8](repeating: 0, count: 30) + [UInt8(number >> 8), UInt8(number & 255)]
    let payload = try till.payload(try till.authorization { $0.nonce = nonce })
    let payment = try await till.payment(try till.v2(payload))
    do throws(Outage) { try till.verifier.admit(payment, from: client) } catch { return error }
    _ = await till.settle(payment)
    return nil
  }

  @Test("after so many refusals in a minute a client waits, and nobody else does")
  func limit() async throws {
    let till = try X402Till()
    for number in 0..<RefusalBudget.perMinute {
      till.net.answerVerify([Self.refusal])
      #expect(try await Self.brings(till, number, from: Self.spammer) == nil)
    }
    let asked = till.net.count("/verify")
    let outage = try #require(try await Self.brings(till, 1000, from: Self.spammer))
    #expect(outage.retryAfterSeconds == 60)
    #expect(till.net.count("/verify") == asked)
    #expect(try await Self.brings(till, 1001, from: ClientAddress(octets: [192, 0, 2, 2])) == nil)
    // Who has no address is not told from the others who have none.
    #expect(try await Self.brings(till, 1002, from: nil) == nil)
    till.clock.advance(60)
    #expect(try await Self.brings(till, 1003, from: Self.spammer) == nil)
  }

  @Test("payments that are settled are not counted, and neither is a facilitator that is away")
  func honest() async throws {
    let till = try X402Till()
    for number in 0..<3 * RefusalBudget.perMinute {
      if number % 3 == 0 { till.net.answerVerify([.silent(.notSent)]) }
      #expect(try await Self.brings(till, number, from: Self.spammer) == nil)
    }
  }

  @Test("what is remembered has a bound")
  func bound() throws {
    let budget = RefusalBudget()
    let now = Timestamp(seconds: 1_800_000_000)
    for number in 0..<RefusalBudget.maxClients + 500 {
      let octets = [
        10, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255),
      ]
      let client = try #require(ClientAddress(octets: octets))
      budget.note(PaymentID("p\(number)"), from: client)
      budget.end(PaymentID("p\(number)"), wasRefused: true, at: now)
      budget.note(PaymentID("q\(number)"), from: client)
    }
    #expect(budget.remembered.clients <= RefusalBudget.maxClients)
    #expect(budget.remembered.underWay <= RefusalBudget.maxUnderWay)
  }
}
