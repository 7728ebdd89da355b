internal import Gate
internal import X402

extension Amount {
  /// As a person reads it: an asset of x402 by its symbol, everything else as it is counted.
  var text: String {
    guard let asset = Asset.known.first(where: { $0.unit == self.unit }) else { return self.description }
    return "\(asset.text(of: self.value)) on \(asset.network)"
  }
}
