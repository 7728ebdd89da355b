internal import Gate
internal import Octets

/// Reads one element of `routes`.
struct RouteReader {
  let payments: PaymentsFound
  /// The kinds of machines that are sold.
  let specs: [WorkloadSpecName]
  /// For a route that names neither `access` nor `price`.
  let defaultPrice: Item?

  /// Of an `id:` or a `tier:`.
  private static let maxNameBytes = 128

  private enum AccessWord: String, CaseIterable { case free, deny, session }

  func read(_ section: Section<RouteKey>) -> RouteConfiguration? {
    let hosts = self.texts(section, .host, .hosts).compactMap(Self.host)
    let methods = self.texts(section, .method, .methods).compactMap(Self.method)
    let tier = section.item(.tier).flatMap { Self.name($0) }
    let id = section.item(.id).flatMap { Self.name($0) }
    let cors = section.item(.cors).flatMap(Self.cors)
    var covers = section.item(.covers)?.list()?.compactMap { $0.text() } ?? []
    let access = self.access(section)
    guard let pattern = section.required(.path).flatMap(Self.pattern), let access else { return nil }
    let free = section.item(.free).flatMap(RequestLimit.read)
    if case .priced = access {
    } else {
      section.item(.free)?.refuse("only a route with a `price` has a free quota")
      section.item(.covers)?.refuse("only a route with a `price` has passes")
      covers = []
    }
    let provision = section.item(.provision).flatMap { self.provision($0, access, section) }
    return RouteConfiguration(
      id: id.map { RouteID($0) }
        ?? RouteConfiguration.derivedID(hosts: hosts, pattern: pattern, methods: methods, tier: tier),
      pattern: pattern, hosts: hosts, methods: methods, tier: tier, access: access, free: free, cors: cors,
      covers: covers.map { RouteID($0) }, provision: provision)
  }

  // MARK: A machine

  /// The kind of machine that a payment buys beside its pass.
  private func provision(
    _ item: Item, _ access: RouteConfiguration.Access, _ section: Section<RouteKey>
  ) -> WorkloadSpecName? {
    guard let text = item.text() else { return nil }
    let name = WorkloadSpecName(text)
    guard !self.specs.isEmpty else {
      item.refuse("needs `workloads`; write `workloads: { backend: local }`")
      return nil
    }
    guard self.specs.contains(name) else {
      item.refuse(
        "there is no kind of machine `\(text)`\(Spelling.hint(for: text, among: self.specs.map(\.text)))")
      return nil
    }
    section.item(.free)?.refuse("a machine is not free; leave it out beside `provision`")
    section.item(.covers)?.refuse(
      "the pass of a machine is for that machine; leave it out beside `provision`")
    switch access {
    case .priced(_, .duration), .priced(_, .rate): return name
    case .priced, .free, .denied:
      item.refuse("needs a price that buys time: `satPerHour`, `usdPerHour`, or `pass: { duration: 1h }`")
      return nil
    }
  }

  // MARK: Which requests

  private static func pattern(_ item: Item) -> PathPattern? {
    guard let text = item.text() else { return nil }
    do throws(PathPattern.Fault) {
      return try PathPattern(text)
    } catch {
      switch error {
      case .notAbsolute: item.refuse("must begin with `/`")
      case .notCanonical:
        item.refuse(
          "is not in the form in which requests are compared: no query, no escapes such as `%2F`, no `;`")
      case .partialWildcard(let segment):
        item.refuse("`\(segment)`: `*` stands for a whole segment, `**` for any number of them")
      }
      return nil
    }
  }

  /// The elements of a key that may be written in the singular or as a list.
  private func texts(_ section: Section<RouteKey>, _ one: RouteKey, _ many: RouteKey) -> [Item] {
    if let single = section.item(one) {
      section.item(many)?.refuse("stands beside `\(one.rawValue)`; write one of the two")
      return [single]
    }
    guard let item = section.item(many), let elements = item.list() else { return [] }
    if elements.isEmpty { item.refuse("is empty; leave it out for any") }
    return elements
  }

  private static func host(_ item: Item) -> RouteConfiguration.Host? {
    guard let text = item.text() else { return nil }
    guard let pattern = HostPattern(text) else {
      item.refuse(
        text == "*"
          ? "leave it out for any host"
          : "expected a host such as `api.example.com` or `*.example.com`, without a port, found \(Item.quote(text))"
      )
      return nil
    }
    return RouteConfiguration.Host(text: text, pattern: pattern)
  }

  private static func method(_ item: Item) -> RequestMethod? {
    guard let text = item.text() else { return nil }
    guard text.utf8.allSatisfy({ ASCII.isLetter($0) || $0 == ASCII.dash }), text == text.uppercased() else {
      let hint = text == text.uppercased() ? "" : "; did you mean `\(text.uppercased())`?"
      item.refuse("expected a method in capitals, found \(Item.quote(text))\(hint)")
      return nil
    }
    return RequestMethod(text.utf8)
  }

  private static func name(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    guard text.utf8.count <= self.maxNameBytes else {
      item.refuse("is longer than \(self.maxNameBytes) bytes")
      return nil
    }
    return text
  }

  // MARK: On what terms

  private func access(_ section: Section<RouteKey>) -> RouteConfiguration.Access? {
    let prices = PriceReader(
      payments: self.payments, goods: section.item(.provision) == nil ? .passes : .machines)
    if let price = section.item(.price) {
      section.item(.access)?.refuse("stands beside `price`; write one of the two")
      return prices.read(price, pass: section.item(.pass))
    }
    guard let item = section.item(.access) else {
      if let price = self.defaultPrice {
        return prices.read(price, pass: section.item(.pass))
      }
      section.item(.pass)?.refuse("needs a `price`")
      section.findings.refuse("needs `access: free`, `access: deny` or a `price`", at: section.location)
      return nil
    }
    section.item(.pass)?.refuse("needs a `price`")
    switch item.choice(AccessWord.self) {
    case .free: return .free
    case .deny: return .denied
    case .session:
      item.refuse("session routes are not in this release")
      return nil
    case nil: return nil
    }
  }

  private static func cors(_ item: Item) -> CORS? {
    guard let section = Section<CORSKey>(item), let origins = section.required(.origins) else { return nil }
    guard let elements = origins.sequence else {
      guard let text = origins.text() else { return nil }
      if text == "*" { return CORS(origins: .any) }
      origins.refuse("expected a list of origins, or `\"*\"` for any")
      return nil
    }
    if elements.isEmpty { origins.refuse("names no origin; leave `cors` out") }
    return CORS(origins: .listed(elements.compactMap(self.origin)))
  }

  /// RFC 6454 §6.2: scheme, host, and the port unless it is the scheme's own.
  private static func origin(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    let parts = text.utf8.split(separator: ASCII.slash, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].last == ASCII.colon, parts[0].count > 1, parts[1].isEmpty,
      CanonicalHost(parts[2]) != nil, text == text.lowercased()
    else {
      item.refuse("expected an origin such as `https://shop.example.com`, found \(Item.quote(text))")
      return nil
    }
    return text
  }
}
