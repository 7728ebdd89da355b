internal import Synchronization

/// Instruments of one name that differ in their labels. Each is made once and then held by whoever uses it.
///
/// The number of them is bounded: beyond ``maxSeries``, label values that were not seen before share the one series
/// whose labels all are `other`, so that nothing from outside can fill the memory.
package final class Family<Instrument: Sendable>: Sendable {
  package let name: String
  let help: String
  let labels: [String]
  private let maxSeries: Int
  private let make: @Sendable () -> Instrument
  private let series = Mutex<[[String]: Instrument]>([:])

  init(
    name: String, help: String, labels: [String], maxSeries: Int, make: @escaping @Sendable () -> Instrument
  ) {
    self.name = name
    self.help = help
    self.labels = labels
    self.maxSeries = maxSeries
    self.make = make
  }

  /// The instrument with these label values, in the order of the labels. Not for the hot path: hold what it gives.
  package func with(_ values: String...) -> Instrument { self.with(values) }

  package func with(_ values: [String]) -> Instrument {
    precondition(values.count == self.labels.count, "A series has a value for every label.")
    return self.series.withLock { series in
      var values = values
      if series[values] == nil, series.count >= self.maxSeries { values = values.map { _ in "other" } }
      if let instrument = series[values] { return instrument }
      let instrument = self.make()
      series[values] = instrument
      return instrument
    }
  }

  /// In a stable order.
  func all() -> [(values: [String], instrument: Instrument)] {
    let series = self.series.withLock { $0 }
    return series.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }
}
