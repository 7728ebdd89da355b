/// Money: a whole number of the unit's smallest part.
public struct Amount: Hashable, Sendable {
  /// What is counted, by the name its spec gives it (NUT-00 `unit`: `sat`, `usd`, …).
  public struct Unit: Hashable, Sendable {
    public let name: String

    public init(_ name: String) { self.name = name }

    public static let sat = Unit("sat")
  }

  public var value: UInt64
  public var unit: Unit

  public init(_ value: UInt64, _ unit: Unit) {
    self.value = value
    self.unit = unit
  }

  /// Nil when the units differ or the sum has no 64-bit form: a sum that wraps would be free money.
  public func adding(_ other: Amount) -> Amount? {
    guard self.unit == other.unit else { return nil }
    let (sum, overflow) = self.value.addingReportingOverflow(other.value)
    return overflow ? nil : Amount(sum, self.unit)
  }
}

extension Amount: CustomStringConvertible {
  public var description: String { "\(self.value) \(self.unit.name)" }
}
