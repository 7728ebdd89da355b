import Gate
import Testing

@Suite struct PurchaseTests {
  @Test("a price buys its uses, twice the price twice as many, and change stays credit")
  func uses() {
    let tariff = Tariff(prices: [Amount(10, .sat)], terms: .uses(1))
    #expect(Purchase(of: Amount(10, .sat), under: tariff)?.uses == 1)
    #expect(Purchase(of: Amount(25, .sat), under: tariff)?.uses == 2)
    #expect(Purchase(of: Amount(9, .sat), under: tariff) == nil)
    #expect(Purchase(of: Amount(10, .init("usd")), under: tariff) == nil)
  }

  @Test("a duration is bought whole")
  func duration() {
    let tariff = Tariff(prices: [Amount(100, .sat)], terms: .duration(.seconds(3600)))
    #expect(Purchase(of: Amount(100, .sat), under: tariff)?.time == .seconds(3600))
    #expect(Purchase(of: Amount(250, .sat), under: tariff)?.time == .seconds(7200))
    #expect(Purchase(of: Amount(99, .sat), under: tariff) == nil)
  }

  @Test("with a rate, time is in proportion to the amount")
  func rate() {
    let tariff = Tariff(prices: [Amount(100, .sat)], terms: .rate(per: .seconds(3600)))
    #expect(Purchase(of: Amount(50, .sat), under: tariff)?.time == .seconds(1800))
    #expect(Purchase(of: Amount(1, .sat), under: tariff)?.time == .seconds(36))
    let steep = Tariff(prices: [Amount(36_000, .sat)], terms: .rate(per: .seconds(3600)))
    #expect(Purchase(of: Amount(9, .sat), under: steep) == nil)
    let quote = Quote(tariff: steep, scope: GrantScope(route: RouteID("r"), host: ""))
    #expect(quote.minimum(in: .sat) == Amount(10, .sat))
    #expect(Purchase(of: Amount(10, .sat), under: steep)?.time == .seconds(1))
  }

  @Test("a rate sells no less than its least time, and asks for the amount that buys it")
  func leastTime() {
    let tariff = Tariff(prices: [Amount(100, .sat)], terms: .rate(per: .seconds(3600), least: .seconds(600)))
    let quote = Quote(tariff: tariff, scope: GrantScope(route: RouteID("r"), host: ""))
    // 600 s are 16.67 sat.
    #expect(quote.minimum(in: .sat) == Amount(17, .sat))
    #expect(Purchase(of: Amount(17, .sat), under: tariff)?.time == .seconds(612))
    #expect(Purchase(of: Amount(16, .sat), under: tariff) == nil)
  }

  @Test("no amount overflows: the largest buys the longest there is")
  func bounds() {
    let uses = Tariff(prices: [Amount(1, .sat)], terms: .usesWithin(.max, .seconds(1 << 40)))
    let purchase = Purchase(of: Amount(.max, .sat), under: uses)
    #expect(purchase?.uses == UInt32(Purchase.maxUses))
    #expect(purchase?.time == Purchase.maxTime)
    let rate = Tariff(prices: [Amount(1, .sat)], terms: .rate(per: .seconds(1 << 40)))
    #expect(Purchase(of: Amount(.max, .sat), under: rate)?.time == Purchase.maxTime)
  }
}
