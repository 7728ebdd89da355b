internal import Octets

/// One rule: which requests it is for, and on what terms they pass.
///
/// A class, so that a decision carries it for the price of one retain.
public final class Route: Sendable {
  public enum Access: Sendable {
    case free
    case priced(Tariff)
    case denied
  }

  public let id: RouteID
  /// As written; the label of metrics, never the raw path.
  public let label: String
  public let pattern: PathPattern
  /// Empty: any host.
  public let hosts: [HostPattern]
  /// Empty: any method. GET covers HEAD.
  public let methods: [RequestMethod]
  /// Only requests that the proxy's own configuration gives this tier.
  public let tier: String?
  public let access: Access
  public let cors: CORS?
  /// Routes whose passes hold here too.
  public let covers: [RouteID]
  /// What each client may have before it pays; nil for nothing.
  public let freeQuota: RequestLimit?
  /// The kind of machine that a payment here buys; nil for none. Its tariff sells time, and it covers no other route.
  public let provision: WorkloadSpecName?
  /// What passes carry of `id`.
  public let tag: UInt128

  public init(
    id: RouteID, label: String, pattern: PathPattern, hosts: [HostPattern] = [],
    methods: [RequestMethod] = [],
    tier: String? = nil, access: Access, cors: CORS? = nil, covers: [RouteID] = [],
    freeQuota: RequestLimit? = nil, provision: WorkloadSpecName? = nil
  ) {
    self.id = id
    self.label = label
    self.pattern = pattern
    self.hosts = hosts
    self.methods = methods
    self.tier = tier
    self.access = access
    self.cors = cors
    self.covers = covers
    self.freeQuota = freeQuota
    self.provision = provision
    self.tag = Route.tag(of: id)
  }

  public var tariff: Tariff? {
    if case .priced(let tariff) = self.access { tariff } else { nil }
  }

  /// The host that a right on this route is bound to. A machine is the same whichever host it was paid on.
  func binding(at place: Place) -> String { self.provision == nil ? place.hostText : "" }

  func scope(at place: Place) -> GrantScope { GrantScope(route: self.id, host: self.binding(at: place)) }
}

/// Which web pages of other origins may read the answers (Fetch standard, CORS protocol).
public struct CORS: Hashable, Sendable {
  public enum Origins: Hashable, Sendable {
    case any
    case listed([String])
  }

  public var origins: Origins

  public init(origins: Origins) { self.origins = origins }

  /// The value of `Access-Control-Allow-Origin` for a request of `origin`; nil when it may not read.
  public func allowOrigin(for origin: some Collection<UInt8>) -> String? {
    switch self.origins {
    case .any: "*"
    case .listed(let listed): listed.first { $0.utf8.elementsEqual(origin) }
    }
  }
}

/// A host as a route names it.
public enum HostPattern: Hashable, Sendable {
  case exact(String)
  /// `*.example.com`: any one or more labels in front of it, never the name itself.
  case below(String)

  /// Nil for a wildcard anywhere else, an empty name or a port.
  public init?(_ text: String) {
    let wild = text.hasPrefix("*.")
    let name = wild ? String(text.dropFirst(2)) : text
    guard let host = CanonicalHost(name.utf8), host.text == name.lowercased() else { return nil }
    self = wild ? .below(host.text) : .exact(host.text)
  }

  public func matches(_ host: CanonicalHost) -> Bool {
    switch self {
    case .exact(let name): return host.text == name
    case .below(let name):
      return host.text.utf8.count > name.utf8.count + 1 && host.text.hasSuffix("." + name)
    }
  }
}
