/// Redeemed money of the treasury: one proof, for Cashu.
public struct Proceeds: Sendable {
  /// Who must honour it (a mint's configured URL).
  public var counterpart: String
  /// Under which of its keys (a keyset id).
  public var series: String
  public var value: Amount
  /// Unique among all proceeds: a row found twice is the same money.
  public var nullifier: Nullifier
  /// Contains secrets; stored, never shown.
  public var bearer: [UInt8]

  public init(counterpart: String, series: String, value: Amount, nullifier: Nullifier, bearer: [UInt8]) {
    self.counterpart = counterpart
    self.series = series
    self.value = value
    self.nullifier = nullifier
    self.bearer = bearer
  }
}
