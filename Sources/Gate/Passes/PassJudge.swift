internal import Octets

/// Step 3: finds the pass of a request and judges it without the store.
struct PassJudge: Sendable {
  enum Word {
    case absent
    /// Time is left; nothing more to ask.
    case valid(Serial, end: Timestamp)
    /// Counts uses, or must be looked up: the ledger has the last word.
    case counted(Serial)
    case fault(PassFault)
    case twoPasses
    case unavailable(Outage)
  }

  let keys: PassKeys
  let revocations: Revocations

  func judge(
    _ request: AccessRequest, at place: Place, on route: Route, covers: (_ tag: UInt128) -> Bool,
    now: Timestamp
  ) -> Word {
    let found: FoundPass
    switch Self.find(in: request) {
    case .none: return .absent
    case .two: return .twoPasses
    case .one(let pass): found = pass
    }
    guard let pass = Pass(found.text, keys: self.keys) else { return .fault(.invalid) }
    // A machine is its own route's: no pass of another covers it.
    guard pass.routeTag == route.tag || (route.provision == nil && covers(pass.routeTag)),
      pass.isOn(host: route.binding(at: place))
    else { return .fault(.otherRoute) }
    if route.provision != nil {
      // Its end moves with its machine's, whatever was signed.
      guard pass.kind == .time else { return .fault(.otherRoute) }
      guard found.form == .header || Self.mayCount(request, at: place) else { return .absent }
      return .counted(pass.serial)
    }
    if pass.kind != .uses && pass.end <= now { return .fault(.expired) }
    switch pass.kind {
    case .time:
      switch self.revocations.word(on: pass.serial, at: now) {
      case .valid: return .valid(pass.serial, end: pass.end)
      case .revoked: return .fault(.revoked)
      case .askTheLedger: return .counted(pass.serial)
      case .stale: return .unavailable(Outage(.outage, "revocations were not read for more than ten seconds"))
      }
    case .uses, .usesWithinTime:
      guard found.form == .header || Self.mayCount(request, at: place) else { return .absent }
      return .counted(pass.serial)
    }
  }

  /// The grant that a header field shows, on whatever route and whenever it ends; a cookie shows none.
  enum Shown {
    case absent
    case pass(Pass)
    case invalid
    case twoPasses
  }

  func shown(in fields: FieldList) -> Shown {
    switch fields.only("turnpike-pass") {
    case .absent: return .absent
    case .once(let text) where text.contains(ASCII.comma): return .twoPasses
    case .once(let text): return Pass(text.trimmed, keys: self.keys).map { .pass($0) } ?? .invalid
    case .repeated: return .twoPasses
    }
  }

  private struct FoundPass {
    enum Form { case header, cookie }

    var form: Form
    var text: ArraySlice<UInt8>
  }

  private enum Found {
    case none
    case one(FoundPass)
    case two
  }

  /// A header beats a cookie; two different texts in one place are two passes.
  private static func find(in request: AccessRequest) -> Found {
    let fields = request.fields
    switch fields.only("turnpike-pass") {
    case .once(let text) where text.contains(ASCII.comma): return .two
    case .once(let text): return .one(FoundPass(form: .header, text: text.trimmed))
    case .repeated: return .two
    case .absent: break
    }
    var found: ArraySlice<UInt8>?
    for cookies in fields.values(of: "cookie") {
      for text in PassCookie.values(in: cookies) {
        if let first = found, first != text { return .two }
        found = text
      }
    }
    return found.map { .one(FoundPass(form: .cookie, text: $0)) } ?? .none
  }

  /// A browser sends a cookie by itself: another site must not make it spend one (design §4).
  private static func mayCount(_ request: AccessRequest, at place: Place) -> Bool {
    if case .once(let site) = request.fields.only("sec-fetch-site"), site.equalsIgnoringCase("cross-site") {
      return false
    }
    guard !request.method.isSafe else { return true }
    guard case .once(let origin) = request.fields.only("origin") else { return false }
    let text = origin.drop { $0 != ASCII.slash }
    guard text.starts(with: "//".utf8), let host = CanonicalHost(text.dropFirst(2)) else { return false }
    return host.text == place.hostText
  }
}
