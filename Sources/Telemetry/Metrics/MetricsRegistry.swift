internal import Synchronization

/// All metrics of the process, and their text for `/metrics`.
package final class MetricsRegistry: Sendable {
  /// Most series of one family; a dashboard shows fewer, a memory holds them.
  package static let maxSeries = 10_000
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// A value that is known elsewhere and read when it is asked for.
  package struct Observation: Sendable {
    package var labels: [String]
    package var value: Double

    package init(_ labels: [String], _ value: Double) {
      self.labels = labels
      self.value = value
    }
  }

  /// What an observed value is.
  package enum ObservedKind: Sendable { case counter, gauge }

  private struct Entry: Sendable {
    var name: String
    var write: @Sendable (inout Exposition) -> Void
  }

  private let entries = Mutex<[Entry]>([])

  package init() {}

  package func counter(_ name: String, help: String, labels: [String] = []) -> Family<Counter> {
    let family = Family(name: name, help: help, labels: labels, maxSeries: Self.maxSeries) { Counter() }
    self.add(name) { exposition in
      exposition.begin(name, help: help, kind: .counter)
      for (values, counter) in family.all() {
        exposition.sample(name, Self.pairs(labels, values), String(counter.value))
      }
    }
    return family
  }

  package func gauge(_ name: String, help: String, labels: [String] = []) -> Family<Gauge> {
    let family = Family(name: name, help: help, labels: labels, maxSeries: Self.maxSeries) { Gauge() }
    self.add(name) { exposition in
      exposition.begin(name, help: help, kind: .gauge)
      for (values, gauge) in family.all() {
        exposition.sample(name, Self.pairs(labels, values), String(gauge.value))
      }
    }
    return family
  }

  package func histogram(_ name: String, help: String, labels: [String] = []) -> Family<Histogram> {
    let family = Family(name: name, help: help, labels: labels, maxSeries: Self.maxSeries) { Histogram() }
    self.add(name) { exposition in
      exposition.begin(name, help: help, kind: .histogram)
      for (values, histogram) in family.all() {
        let labels = Self.pairs(labels, values)
        let (cumulative, seconds) = histogram.snapshot()
        let bounds = Histogram.bounds.map { Exposition.number($0.inSeconds) } + ["+Inf"]
        for (bound, count) in zip(bounds, cumulative) {
          exposition.sample(name + "_bucket", labels + [("le", bound)], String(count))
        }
        exposition.sample(name + "_sum", labels, Exposition.number(seconds))
        exposition.sample(name + "_count", labels, String(cumulative.last ?? 0))
      }
    }
    return family
  }

  /// `read` is called for every exposition and must not wait.
  package func observe(
    _ name: String, help: String, kind: ObservedKind, labels: [String] = [],
    read: @escaping @Sendable () -> [Observation]
  ) {
    self.add(name) { exposition in
      exposition.begin(name, help: help, kind: kind == .counter ? .counter : .gauge)
      for observation in read().prefix(Self.maxSeries) {
        exposition.sample(name, Self.pairs(labels, observation.labels), Exposition.number(observation.value))
      }
    }
  }

  /// The text of all metrics, in the order in which they were declared.
  package func exposition() -> [UInt8] {
    var exposition = Exposition()
    for entry in self.entries.withLock({ $0 }) { entry.write(&exposition) }
    return exposition.bytes
  }

  func add(_ name: String, write: @escaping @Sendable (inout Exposition) -> Void) {
    self.entries.withLock { entries in
      precondition(!entries.contains { $0.name == name }, "A metric is declared once.")
      entries.append(Entry(name: name, write: write))
    }
  }

  private static func pairs(_ labels: [String], _ values: [String]) -> [(name: String, value: String)] {
    precondition(labels.count == values.count, "A series has a value for every label.")
    return zip(labels, values).map { ($0, $1) }
  }
}
