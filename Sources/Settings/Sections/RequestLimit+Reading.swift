internal import Gate

extension RequestLimit {
  /// `{ requests: N, per: D }`; nil after saying what is wrong.
  static func read(_ item: Item) -> RequestLimit? {
    guard let section = Section<RequestLimitKey>(item) else { return nil }
    let requests = section.required(.requests)?.integer(1...1_000_000)
    let per = section.required(.per)?.duration(.seconds(1)...(.seconds(31 * 86_400)))
    guard let requests, let per else { return nil }
    return RequestLimit(requests: UInt32(requests), per: per)
  }

  var effectiveYAML: String { "{ requests: \(self.requests), per: \(DurationText.format(self.per)) }" }
}
