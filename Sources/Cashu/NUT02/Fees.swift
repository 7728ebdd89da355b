/// Input fees (NUT-02, "Fees"): the thousandths of all inputs together, rounded up to whole units.
package enum Fees {
  /// Nil when the sum does not fit, which no honest mint asks for.
  package static func total(ppk: some Sequence<UInt64>) -> UInt64? {
    guard let sum = Money.sum(ppk) else { return nil }
    let (rounded, overflow) = sum.addingReportingOverflow(999)
    return overflow ? nil : rounded / 1000
  }
}

/// Sums of amounts. The largest key of a stock mint is 2⁶³, so two proofs can overflow.
enum Money {
  static func sum(_ amounts: some Sequence<UInt64>) -> UInt64? {
    var total: UInt64 = 0
    for amount in amounts {
      let (next, overflow) = total.addingReportingOverflow(amount)
      guard !overflow else { return nil }
      total = next
    }
    return total
  }
}
