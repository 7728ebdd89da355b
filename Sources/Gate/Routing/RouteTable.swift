internal import Octets

/// All routes, found by their literal prefix: the longest wins, ties by order, and what no route fits is denied.
///
/// A look-up costs one probe for each depth at which any route has its prefix, whatever the number of routes.
public struct RouteTable: Sendable {
  public let routes: [Route]
  private let byPrefix: [UInt64: [Int32]]
  /// Bit n: some route's literal prefix has n segments. Deeper ones share the last bit.
  private let depths: UInt64
  private let tiers: Set<String>
  private let covered: [UInt128: [RouteID]]

  /// Two routes with one id would let the passes of one open the other.
  public struct DuplicateID: Error, Hashable, Sendable {
    public let id: RouteID
  }

  public init(_ routes: [Route]) throws(DuplicateID) {
    var tags: Set<UInt128> = []
    var byPrefix: [UInt64: [Int32]] = [:]
    var depths: UInt64 = 0
    for (index, route) in routes.enumerated() {
      guard tags.insert(route.tag).inserted else { throw DuplicateID(id: route.id) }
      let prefix = route.pattern.literalPrefix
      byPrefix[Self.hash(prefix), default: []].append(Int32(index))
      depths |= Self.bit(prefix.reduce(0) { $1 == ASCII.slash ? $0 + 1 : $0 })
    }
    self.routes = routes
    self.byPrefix = byPrefix
    self.depths = depths
    self.tiers = Set(routes.compactMap(\.tier))
    self.covered = Dictionary(uniqueKeysWithValues: routes.map { ($0.tag, $0.covers) })
  }

  /// Whether any route is for `tier`: one that none knows is denied, not ignored.
  public func knows(tier: String) -> Bool { self.tiers.contains(tier) }

  /// Whether the passes of the route with `tag` hold on `route` too.
  func covers(_ tag: UInt128, _ route: RouteID) -> Bool { self.covered[tag]?.contains(route) ?? false }

  /// The first route that fits among those with the longest literal prefix that has one that fits.
  public func route(method: RequestMethod, host: CanonicalHost?, path: CanonicalPath, tier: String?) -> Route?
  {
    unsafe withUnsafeTemporaryAllocation(of: Boundary.self, capacity: CanonicalPath.maxSegments + 1) {
      boundaries in
      var count = 0
      unsafe self.markBoundaries(of: path.bytes, in: boundaries, count: &count)
      while count > 0 {
        count -= 1
        let boundary = unsafe boundaries[count]
        guard let candidates = self.byPrefix[boundary.hash] else { continue }
        for index in candidates {
          let route = self.routes[Int(index)]
          let length = boundary.length
          guard route.pattern.literalPrefix.elementsEqual(path.bytes.prefix(length)),
            route.pattern.matches(rest: path.bytes.dropFirst(length)),
            Self.fits(route, method: method, host: host, tier: tier)
          else { continue }
          return route
        }
      }
      return nil
    }
  }

  private struct Boundary {
    var hash: UInt64
    var length: Int
  }

  /// Every prefix of whole segments at a depth where a route may be, shortest first.
  private func markBoundaries(
    of path: ArraySlice<UInt8>, in boundaries: UnsafeMutableBufferPointer<Boundary>, count: inout Int
  ) {
    var hash = Self.offset
    var depth = 0
    var length = 0
    func mark() {
      guard self.depths & Self.bit(depth) != 0, count < boundaries.count else { return }
      unsafe boundaries.initializeElement(at: count, to: Boundary(hash: hash, length: length))
      count += 1
    }
    for byte in path {
      if byte == ASCII.slash {
        mark()
        depth += 1
      }
      hash = (hash ^ UInt64(byte)) &* Self.prime
      length += 1
    }
    if path.last != ASCII.slash { mark() }
  }

  private static func fits(_ route: Route, method: RequestMethod, host: CanonicalHost?, tier: String?) -> Bool
  {
    if let wanted = route.tier, wanted != tier { return false }
    if !route.methods.isEmpty {
      let asked = method == .head ? .get : method
      guard route.methods.contains(asked) || route.methods.contains(method) else { return false }
    }
    guard !route.hosts.isEmpty else { return true }
    guard let host else { return false }
    return route.hosts.contains { $0.matches(host) }
  }

  private static func bit(_ depth: Int) -> UInt64 { 1 << UInt64(min(depth, 63)) }

  // FNV-1a: a hash that grows with the path, byte by byte. Not a defence: every hit is compared in full.
  private static let offset: UInt64 = 0xCBF2_9CE4_8422_2325
  private static let prime: UInt64 = 0x100_0000_01B3

  private static func hash(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(self.offset) { ($0 ^ UInt64($1)) &* self.prime }
  }
}

extension Route {
  /// FNV-1a with 128 bits over the id. Ids come from the configuration alone, and a table refuses two equal tags.
  static func tag(of id: RouteID) -> UInt128 {
    let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B
    var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    for byte in id.text.utf8 { hash = (hash ^ UInt128(byte)) &* prime }
    return hash
  }
}
