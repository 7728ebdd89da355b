import Gate
import Store

/// Claims of payments that nobody has seen, as many as the book takes: what `bench/money` sets beside the bare loops.
///
/// usage: claim-bench STORE COUNT; prints claims a second
@main
struct ClaimBench {
  /// As many requests wait at a busy gate.
  static let waiting = 1024

  static func main() async throws {
    let words = CommandLine.arguments
    guard words.count == 3, let count = Int(words[2]), count > 0 else {
      print("usage: claim-bench sqlite:FILE|postgresql://… COUNT")
      return
    }
    let ledger = try Self.open(words[1])
    let start = ContinuousClock.now
    try await withThrowingTaskGroup { group in
      for worker in 0..<Self.waiting {
        group.addTask {
          for number in stride(from: worker, to: count, by: Self.waiting) {
            guard case .claimed = try await ledger.claim(Self.reservation(number)) else {
              throw Outage(.outage, "a fresh payment was not claimed")
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let span = ContinuousClock.now - start
    print(Int(Double(count) / (span / .seconds(1))))
  }

  private static func open(_ store: String) throws -> TransactionalLedger {
    if store.hasPrefix("sqlite:") {
      return try SQLiteLedger.open(at: String(store.dropFirst("sqlite:".count)), clock: Clock())
    }
    return try PostgreSQLLedger.open(url: store, clock: Clock())
  }

  private static func reservation(_ number: Int) -> Reservation {
    // Identities are hashes: random, as far as an index can tell.
    var generator = SplitMix(state: UInt64(number))
    let (high, low) = (generator.next(), generator.next())
    let id = Self.hex(high) + Self.hex(low)
    let nullifier: [UInt8] = [2] + Self.bytes(high) + Self.bytes(low) + Self.bytes(high) + Self.bytes(low)
    let payment = VerifiedPayment(
      id: PaymentID(id), method: .cashu, nullifiers: [Nullifier(nullifier)], value: Amount(10, .sat),
      counterpart: "http://127.0.0.1:3338", plan: Array(repeating: 0x70, count: 900))
    return Reservation(
      payment: payment, scope: GrantScope(route: RouteID("/paid/**"), host: "example.com"),
      tariff: Tariff(prices: [Amount(10, .sat)], terms: .uses(1)), lease: .seconds(59))
  }

  private static func bytes(_ value: UInt64) -> [UInt8] {
    stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
  }

  private static func hex(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}

private struct Clock: TimeSource {
  func now() -> Timestamp {
    let span = ContinuousClock.now - Self.start
    return Timestamp(milliseconds: 1_795_000_000_000) + span
  }

  private static let start = ContinuousClock.now
}

/// Vigna's SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    self.state &+= 0x9E37_79B9_7F4A_7C15
    var z = self.state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
