public import Octets

/// What a proxy asks: may this request pass? Facts of the proxy beside claims of the client.
///
/// Short texts share one piece of memory, so that a request costs two allocations.
public struct AccessRequest: Sendable {
  /// Which adapter heard the question.
  public enum Adapter: String, Sendable, CaseIterable {
    case envoy
    case nginx
    case ingressNginx = "ingress-nginx"
    case traefik
    case caddy
    case paygress
    /// Our own API for buyers: no proxy between.
    case publicAPI = "public"
  }

  public let adapter: Adapter
  public let method: RequestMethod
  /// Header fields of the client that the gate may read: credentials and CORS. Claims, never facts.
  public private(set) var fields: FieldList
  /// The client's address as the proxy tells it; nil means no free quota and limits of the proxy as a whole.
  public let client: ClientAddress?
  /// When the proxy stops waiting.
  public let deadline: ContinuousClock.Instant?

  private let storage: [UInt8]
  private let targetEnd: Int
  private let hostEnd: Int
  private let idEnd: Int
  private let tierEnd: Int
  private let tokenEnd: Int
  private var presence: Presence

  private struct Presence: OptionSet, Sendable {
    let rawValue: UInt8
    static let host = Presence(rawValue: 1)
    static let id = Presence(rawValue: 2)
    static let tier = Presence(rawValue: 4)
    static let token = Presence(rawValue: 8)
  }

  /// - Parameters:
  ///   - target: the request target as received, with its query.
  ///   - host: as received, with its port; nil where the proxy tells none.
  ///   - id: the request's identity **made by the proxy** (design §4.2); nil means no repeats.
  ///   - tier: a configured tier that the proxy's own configuration names.
  ///   - queryToken: a token in the query, for the one face whose protocol puts it there (Paygress).
  public init(
    adapter: Adapter,
    method: RequestMethod,
    target: some Collection<UInt8>,
    host: (some Collection<UInt8>)?,
    id: (some Collection<UInt8>)?,
    client: ClientAddress?,
    fields: FieldList,
    tier: (some Collection<UInt8>)? = [UInt8]?.none,
    queryToken: (some Collection<UInt8>)? = [UInt8]?.none,
    deadline: ContinuousClock.Instant? = nil
  ) {
    self.adapter = adapter
    self.method = method
    self.client = client
    self.fields = fields
    self.deadline = deadline
    var storage: [UInt8] = []
    storage.reserveCapacity(target.count + (host?.count ?? 0) + (id?.count ?? 0) + (queryToken?.count ?? 0))
    var presence: Presence = []
    storage.append(contentsOf: target)
    self.targetEnd = storage.count
    if let host {
      storage.append(contentsOf: host)
      presence.insert(.host)
    }
    self.hostEnd = storage.count
    if let id {
      storage.append(contentsOf: id)
      presence.insert(.id)
    }
    self.idEnd = storage.count
    if let tier {
      storage.append(contentsOf: tier)
      presence.insert(.tier)
    }
    self.tierEnd = storage.count
    if let queryToken {
      storage.append(contentsOf: queryToken)
      presence.insert(.token)
    }
    self.tokenEnd = storage.count
    self.storage = storage
    self.presence = presence
  }

  /// The same request with these fields alone, and no token in the query; shares the memory.
  public func claiming(only fields: FieldList) -> AccessRequest {
    var request = self
    request.fields = fields
    request.presence.remove(.token)
    return request
  }

  public var target: ArraySlice<UInt8> { self.storage[0..<self.targetEnd] }
  public var host: ArraySlice<UInt8>? {
    self.presence.contains(.host) ? self.storage[self.targetEnd..<self.hostEnd] : nil
  }
  public var id: ArraySlice<UInt8>? {
    self.presence.contains(.id) ? self.storage[self.hostEnd..<self.idEnd] : nil
  }
  public var tier: ArraySlice<UInt8>? {
    self.presence.contains(.tier) ? self.storage[self.idEnd..<self.tierEnd] : nil
  }
  public var queryToken: ArraySlice<UInt8>? {
    self.presence.contains(.token) ? self.storage[self.tierEnd..<self.tokenEnd] : nil
  }
}

/// A request's method; case-sensitive (RFC 9110 §9.1).
public enum RequestMethod: Hashable, Sendable {
  case get, head, post, put, patch, delete, options
  case other(String)

  public init(_ bytes: some Collection<UInt8>) {
    self =
      switch bytes.count {
      case 3 where bytes.elementsEqual("GET".utf8): .get
      case 3 where bytes.elementsEqual("PUT".utf8): .put
      case 4 where bytes.elementsEqual("POST".utf8): .post
      case 4 where bytes.elementsEqual("HEAD".utf8): .head
      case 5 where bytes.elementsEqual("PATCH".utf8): .patch
      case 6 where bytes.elementsEqual("DELETE".utf8): .delete
      case 7 where bytes.elementsEqual("OPTIONS".utf8): .options
      default: .other(String(decoding: bytes, as: UTF8.self))
      }
  }

  public var name: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .other(let name): name
    }
  }

  /// Neither changes anything nor is meant to (RFC 9110 §9.2.1).
  public var isSafe: Bool {
    switch self {
    case .get, .head, .options: true
    default: false
    }
  }
}
