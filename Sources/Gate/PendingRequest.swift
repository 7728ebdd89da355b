/// A request that steps 1 to 4 could not decide: it shows a counted pass, an offer, or both, or must be counted itself.
public struct PendingRequest: Sendable {
  let request: AccessRequest
  let place: Place
  let route: Route
  let demand: Demand
  let countedPass: Serial?
  let offer: PaymentOffer?
  let limits: Policy.Limits

  /// The longest identity a proxy may give; a longer one gives no repeats.
  private static let maxIdentityBytes = 128

  /// Names this request among those of its proxy, for repeats: same adapter, method, host and path, and same id.
  var requestKey: RequestKey? {
    guard let id = self.request.id, !id.isEmpty, id.count <= Self.maxIdentityBytes else { return nil }
    let path = Route.tag(of: RouteID(self.place.path.text))
    return RequestKey(
      "\(self.request.adapter.rawValue) \(self.request.method.name) \(self.place.hostText) \(String(path, radix: 16)) "
        + String(decoding: id, as: UTF8.self))
  }

  /// Names this request in the memo of recent decisions.
  var memoKey: Int {
    var hasher = Hasher()
    hasher.combine(self.request.method)
    hasher.combine(self.place.host)
    hasher.combine(self.place.path)
    hasher.combine(self.request.id)
    hasher.combine(self.countedPass)
    hasher.combine(self.offer?.bytes)
    // Whoever shows nothing is told apart by where he is: quotas and limits are per client.
    if self.countedPass == nil, self.offer == nil { hasher.combine(self.request.client) }
    return hasher.finalize()
  }
}
