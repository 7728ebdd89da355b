import Cashu
import Gate
import Testing

@Suite("The breaker of a mint")
struct MintBreakerTests {
  static func minute(_ number: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + 60 * number) }

  @Test("opens on a failure for five minutes, for ten on the next")
  func pause() {
    var breaker = MintBreaker()
    #expect(breaker.grade(at: Self.minute(0)) == .closed)
    breaker.failed(at: Self.minute(0))
    #expect(breaker.grade(at: Self.minute(4)) == .open)
    #expect(breaker.grade(at: Self.minute(5)) == .closed)
    breaker.failed(at: Self.minute(5))
    #expect(breaker.grade(at: Self.minute(14)) == .open)
    #expect(breaker.grade(at: Self.minute(15)) == .closed)
  }

  @Test("stays open for an hour at most, however often it failed")
  func longest() {
    var breaker = MintBreaker()
    for _ in 0..<1000 { breaker.failed(at: Self.minute(0)) }
    #expect(breaker.grade(at: Self.minute(59)) == .open)
    #expect(breaker.grade(at: Self.minute(60)) == .closed)
  }

  @Test("closes on a success, but not on one of the round that failed")
  func success() {
    var breaker = MintBreaker()
    breaker.failed(at: Self.minute(0))
    breaker.redeemed(at: Self.minute(0) + .seconds(59))
    #expect(breaker.grade(at: Self.minute(1)) == .open)
    breaker.redeemed(at: Self.minute(1))
    #expect(breaker.grade(at: Self.minute(1)) == .closed)
    breaker.failed(at: Self.minute(2))
    #expect(breaker.grade(at: Self.minute(7)) == .closed)
  }

  @Test("takes permanent locks only after half an hour of silence, until the mint is heard")
  func silence() {
    var breaker = MintBreaker()
    breaker.missed(at: Self.minute(0))
    breaker.missed(at: Self.minute(20))
    #expect(breaker.grade(at: Self.minute(29)) == .closed)
    #expect(breaker.grade(at: Self.minute(30)) == .permanentLocksOnly)
    breaker.heard()
    #expect(breaker.grade(at: Self.minute(30)) == .closed)
  }
}
