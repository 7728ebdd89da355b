/// What is left of a right after this answer, for its bearer to see.
public struct Remaining: Hashable, Sendable {
  public enum Level: Hashable, Sendable { case ample, low }

  /// Nil where only time counts.
  public var uses: UInt32?
  /// Rounded down; nil where only uses count.
  public var seconds: Int64?
  /// `low`: a tenth or less of what one price buys, or one last use.
  public var level: Level

  /// Nil for a right that one use has used up: there was never a balance.
  init?(of grant: GrantRecord, under tariff: Tariff, at now: Timestamp) {
    if grant.uses == 1, grant.end == nil { return nil }
    self.uses = grant.uses.map { $0 - min($0, grant.usesTaken) }
    self.seconds =
      grant.unused?.components.seconds ?? grant.end.map { max(0, $0.seconds - now.seconds) }
    let usesAreLow = self.uses.map { Self.isLow($0, of: grant.uses ?? 0) } ?? false
    let timeIsLow = self.seconds.map { Self.isLow($0, under: tariff) } ?? false
    self.level = usesAreLow || timeIsLow ? .low : .ample
  }

  /// Of a pass that no ledger was asked about.
  init(until end: Timestamp, under tariff: Tariff, at now: Timestamp) {
    self.uses = nil
    self.seconds = max(0, end.seconds - now.seconds)
    self.level = Self.isLow(self.seconds ?? 0, under: tariff) ? .low : .ample
  }

  private static func isLow(_ left: UInt32, of bought: UInt32) -> Bool { left <= max(1, bought / 10) }

  private static func isLow(_ seconds: Int64, under tariff: Tariff) -> Bool {
    let span: Duration
    switch tariff.terms {
    case .uses: return false
    case .duration(let duration), .usesWithin(_, let duration): span = duration
    case .rate(let per, _): span = per
    }
    return seconds <= span.components.seconds / 10
  }
}
