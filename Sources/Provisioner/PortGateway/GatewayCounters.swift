/// What a gateway has done since its start.
package struct GatewayCounters: Hashable, Sendable {
  package var accepted: UInt64 = 0
  /// Of them, those that waited for their machine.
  package var held: UInt64 = 0
  package var refused: [GatewayRefusal: UInt64] = [:]
  /// Cut because the paid time was over.
  package var cut: UInt64 = 0
  /// From buyers to machines.
  package var bytesIn: UInt64 = 0
  package var bytesOut: UInt64 = 0
  /// Open now.
  package var live = 0

  package init() {}
}
