import Gate
import Logging
import Synchronization
import Telemetry
import Testing

@testable import turnpike

/// Every decision that the gate can make, with the reason that metrics give for it.
private struct Case: Sendable, CustomTestStringConvertible {
  var decision: Decision
  var name: String

  var testDescription: String { self.name }

  static let all: [Case] = {
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .uses(1))
    let quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID("r"), host: ""))
    let id = PaymentID("ab")
    var all = [Allowance.Basis.free, .quota, .preflight, .pass, .payment].map {
      Case(decision: .allow(Allowance(basis: $0)), name: "allow \($0.rawValue)")
    }
    let reasons =
      [Demand.Reason.paymentRequired] + Rejection.allCases.map { .rejected($0) }
      + PassFault.allCases.map { .pass($0) }
    all += reasons.map {
      Case(
        decision: .paymentRequired(Demand($0, quote: quote, challenges: [])),
        name: "payment_required \($0.code)")
    }
    let denials =
      [
        Denial.badRequest("x"), .denied, .twoOffers, .twoPasses, .otherRoute(id), .notBearer(id),
        .nameTaken(id),
        .tooManyRequests(retryAfterSeconds: 1),
      ]
      + Rejection.allCases.map { .payment($0) }
    all += denials.map { Case(decision: .deny($0), name: "deny \($0.code)") }
    all += [Outage.Code.outage, .inFlight, .unknown, .mintBudget, .noVacancy].map {
      Case(decision: .unavailable(Outage($0, "m", payment: id)), name: "unavailable \($0.rawValue)")
    }
    return all
  }()
}

@Suite("What is told of decisions")
struct DecisionOutcomeTests {
  @Test("each has its own number, and its public reason", arguments: Case.all)
  private func numbered(decision: Case) {
    let outcome = DecisionOutcome.all[DecisionOutcome.number(of: decision.decision)]
    #expect("\(outcome.decision) \(outcome.reason)" == decision.name)
  }

  @Test("there is no number that no decision has")
  func complete() {
    let numbers = Set(Case.all.map { DecisionOutcome.number(of: $0.decision) })
    #expect(numbers == Set(DecisionOutcome.all.indices))
    #expect(numbers.count == Case.all.count)
  }

  @Test("each adapter is counted under its own name", arguments: AccessRequest.Adapter.allCases)
  func adapters(adapter: AccessRequest.Adapter) throws {
    let metrics = ServerMetrics()
    let log = LogSettings(format: .text, level: .critical).logger("test")
    let reporter = DecisionReporter(metrics: metrics, log: log)
    let route = Route(
      id: RouteID("r"), label: "/api/**", pattern: try PathPattern("/api/**"), access: .free)
    for _ in 0..<3 {
      reporter.decided(Judgement(.allow(Allowance(basis: .free)), route: route), for: adapter, id: nil)
    }
    reporter.decided(Judgement(.deny(.denied), route: nil), for: adapter, id: nil)
    let text = String(decoding: metrics.registry.exposition(), as: UTF8.self)
    let name = "turnpike_decisions_total{adapter=\"\(adapter.rawValue)\""
    #expect(text.contains("\(name),route=\"/api/**\",decision=\"allow\",reason=\"free\"} 3\n"))
    #expect(text.contains("\(name),route=\"none\",decision=\"deny\",reason=\"denied\"} 1\n"))
  }

  @Test("an outage is logged with its payment, and no more often than the limit")
  func logged() throws {
    let lines = LineBox()
    let settings = LogSettings(format: .text, level: .info, sink: lines)
    let reporter = DecisionReporter(metrics: ServerMetrics(), log: settings.logger("test"))
    let outage = Outage(.outage, "the mint does not answer", payment: PaymentID("ab12"))
    for _ in 0..<500 { reporter.decided(Judgement(.unavailable(outage), route: nil), for: .envoy, id: nil) }
    let all = lines.all
    #expect(all.count >= 1 && all.count < 500)
    #expect(all[0].contains("payment=ab12"))
    #expect(all[0].contains("reason=outage"))
    #expect(all[0].contains("warning"))
  }

  @Test("a payment that was refused is logged with its id; a request without one is not")
  func refused() throws {
    let lines = LineBox()
    let settings = LogSettings(format: .text, level: .info, sink: lines)
    let reporter = DecisionReporter(metrics: ServerMetrics(), log: settings.logger("test"))
    let tariff = Tariff(prices: [Amount(1, .sat)], terms: .uses(1))
    let quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID("r"), host: ""))
    var demand = Demand(.rejected(.spent), quote: quote, challenges: [])
    reporter.decided(Judgement(.paymentRequired(demand), route: nil), for: .envoy, id: nil)
    #expect(lines.all.isEmpty)
    demand.payment = PaymentID("ab12")
    reporter.decided(Judgement(.paymentRequired(demand), route: nil), for: .envoy, id: nil)
    #expect(lines.all.count == 1)
    #expect(lines.all[0].contains("payment=ab12") && lines.all[0].contains("reason=spent"))
  }

  @Test("a caller that is no proxy is warned of, and told from a request without a route")
  func callers() throws {
    let lines = LineBox()
    let settings = LogSettings(format: .text, level: .info, sink: lines)
    let reporter = DecisionReporter(metrics: ServerMetrics(), log: settings.logger("test"))
    reporter.decided(Judgement(.deny(.denied), route: nil), for: .nginx, id: nil)
    #expect(lines.all.isEmpty)
    for _ in 0..<100 { reporter.refusedCaller(.nginx) }
    #expect(lines.all.count >= 1 && lines.all.count < 10)
    #expect(lines.all[0].contains("warning") && lines.all[0].contains("adapter=nginx"))
  }

  @Test("a paid allow is logged with the request and the payment, in one line whatever the proxy's id holds")
  func identified() throws {
    let lines = LineBox()
    let settings = LogSettings(format: .text, level: .info, sink: lines)
    let reporter = DecisionReporter(metrics: ServerMetrics(), log: settings.logger("test"))
    let paid = Decision.allow(Allowance(basis: .payment, payment: PaymentID("ab12")))
    for id in ["8912345", "x\ny", String(repeating: "9", count: 5000)] {
      reporter.decided(Judgement(paid, route: nil), for: .envoy, id: Array(id.utf8)[...])
    }
    reporter.decided(Judgement(paid, route: nil), for: .caddy, id: nil)
    let all = lines.all
    try #require(all.count == 4)
    #expect(all[0].contains(" payment=ab12 ") && all[0].contains(" request=8912345"))
    #expect(all[1].contains(#"request=x\ny"#) && all[1].filter { $0 == "\n" }.count == 1)
    #expect(all[2].utf8.count < 300)
    #expect(!all[3].contains("request="))
  }
}

final class LineBox: LogSink {
  private let lines = Mutex<[String]>([])

  func write(_ line: [UInt8]) { self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  var all: [String] { self.lines.withLock { $0 } }
}
