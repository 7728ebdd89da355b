internal import Synchronization

/// Counts decisions by adapter, route and outcome, without a text or an allocation for a request.
///
/// Adapters and outcomes are numbered by who declares them; a route's counters are looked up once and held.
package final class DecisionCounters: Sendable {
  package struct Outcome: Sendable {
    package var decision: String
    package var reason: String

    package init(decision: String, reason: String) {
      self.decision = decision
      self.reason = reason
    }
  }

  /// Routes with counters of their own; what comes later shares those of `other`. About 2 KiB each.
  package static let maxRoutes = 1024
  private static let other = "other"

  private let adapters: [String]
  private let outcomes: [Outcome]
  private let routes = Mutex<[String: RouteCounters]>([:])

  package init(adapters: [String], outcomes: [Outcome], in registry: MetricsRegistry) {
    self.adapters = adapters
    self.outcomes = outcomes
    let name = "turnpike_decisions_total"
    registry.add(name) { [self] exposition in
      exposition.begin(name, help: "Answers to proxies, by the route's pattern as written.", kind: .counter)
      self.write(name, to: &exposition)
    }
  }

  /// The counters of the route with this label (its pattern as written, never a path).
  package func route(_ label: String) -> RouteCounters {
    self.routes.withLock { routes in
      let isFull = routes.count >= Self.maxRoutes
      let label = isFull && routes[label] == nil ? Self.other : label
      if let counters = routes[label] { return counters }
      let counters = RouteCounters(
        cells: self.adapters.count * self.outcomes.count, stride: self.outcomes.count)
      routes[label] = counters
      return counters
    }
  }

  private func write(_ name: String, to exposition: inout Exposition) {
    let routes = self.routes.withLock { $0 }.sorted { $0.key < $1.key }
    for (label, counters) in routes {
      for (index, count) in counters.counts().enumerated() where count > 0 {
        let outcome = self.outcomes[index % self.outcomes.count]
        exposition.sample(
          name,
          [
            ("adapter", self.adapters[index / self.outcomes.count]), ("route", label),
            ("decision", outcome.decision), ("reason", outcome.reason),
          ], String(count))
      }
    }
  }
}

/// The decisions on one route.
package final class RouteCounters: Sendable {
  private let cells: Mutex<[UInt64]>
  private let stride: Int

  init(cells: Int, stride: Int) {
    self.cells = Mutex(Array(repeating: 0, count: cells))
    self.stride = stride
  }

  package func count(adapter: Int, outcome: Int) {
    self.cells.withLock { $0[adapter * self.stride + outcome] += 1 }
  }

  func counts() -> [UInt64] { self.cells.withLock { $0 } }
}
