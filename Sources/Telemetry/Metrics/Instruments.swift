internal import Synchronization

/// A number that only grows.
package final class Counter: Sendable {
  private let count = Atomic<UInt64>(0)

  package init() {}

  package func add(_ more: UInt64 = 1) { self.count.wrappingAdd(more, ordering: .relaxed) }

  package var value: UInt64 { self.count.load(ordering: .relaxed) }
}

/// A number that is what it is now.
package final class Gauge: Sendable {
  private let number = Atomic<Int64>(0)

  package init() {}

  package func set(_ value: Int64) { self.number.store(value, ordering: .relaxed) }
  package func add(_ more: Int64) { self.number.wrappingAdd(more, ordering: .relaxed) }

  package var value: Int64 { self.number.load(ordering: .relaxed) }
}

/// How long things take, counted in buckets.
package final class Histogram: Sendable {
  /// Upper bounds, ascending: from what needs no mint to what a proxy no longer waits for.
  package static let bounds: [Duration] = [
    .milliseconds(1), .milliseconds(2), .milliseconds(5), .milliseconds(10), .milliseconds(25),
    .milliseconds(50),
    .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(2500), .seconds(5),
    .seconds(10), .seconds(30),
  ]

  private struct State {
    /// One more than there are bounds; not cumulative.
    var buckets: [UInt64]
    var sum = Duration.zero
  }

  private let state = Mutex(State(buckets: Array(repeating: 0, count: Histogram.bounds.count + 1)))

  package init() {}

  package func record(_ span: Duration) {
    let index = Self.bounds.firstIndex { span <= $0 } ?? Self.bounds.count
    self.state.withLock { state in
      state.buckets[index] += 1
      state.sum += span
    }
  }

  /// Cumulative counts, the last of them of everything, and the sum in seconds.
  func snapshot() -> (cumulative: [UInt64], seconds: Double) {
    self.state.withLock { state in
      var total: UInt64 = 0
      let cumulative = state.buckets.map { bucket in
        total += bucket
        return total
      }
      return (cumulative, state.sum.inSeconds)
    }
  }
}

extension Duration {
  var inSeconds: Double {
    let (seconds, attoseconds) = self.components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}
