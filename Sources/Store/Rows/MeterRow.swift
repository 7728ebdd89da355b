package import Gate

/// What a meter has counted in its present window.
package struct MeterRow: Hashable, Sendable {
  package var count: UInt32
  /// When the window ends; it began with the first event counted in it.
  package var end: Timestamp

  package init(count: UInt32, end: Timestamp) {
    self.count = count
    self.end = end
  }
}
