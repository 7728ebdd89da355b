internal import Gate

/// Reads `routes`, and what holds between them.
struct RoutesReader {
  let root: Section<RootKey>
  let payments: PaymentsFound
  let workloads: WorkloadsConfiguration?
  let defaultPrice: DefaultPrice

  func read() -> [RouteConfiguration] {
    guard let item = self.root.item(.routes) else {
      self.warnOfNone()
      return []
    }
    guard let elements = item.list() else { return [] }
    if elements.isEmpty { self.warnOfNone() }
    let reader = RouteReader(
      payments: self.payments, specs: self.workloads?.specs.map(\.name) ?? [],
      defaultPrice: self.defaultPrice.item)
    var routes: [RouteConfiguration] = []
    var places: [Place] = []
    var users = 0
    for element in elements {
      guard let section = Section<RouteKey>(element) else { continue }
      if section.item(.access) == nil, section.item(.price) == nil { users += 1 }
      guard let route = reader.read(section) else { continue }
      routes.append(route)
      places.append(Place(location: section.location(of: .id), covers: section.item(.covers)))
    }
    self.checkIDs(routes, places)
    self.defaultPrice.close(users: users)
    self.checkCovers(routes, places)
    self.warnOfUnpayable(routes, elements)
    return routes
  }

  private struct Place {
    var location: Location
    var covers: Item?
  }

  private func warnOfNone() {
    self.root.findings.warn(
      "there are none: every request is answered by `default`", at: self.root.location(of: .routes))
  }

  private func checkIDs(_ routes: [RouteConfiguration], _ places: [Place]) {
    var seen: [RouteID: Location] = [:]
    for (route, place) in zip(routes, places) {
      guard let first = seen[route.id] else {
        seen[route.id] = place.location
        continue
      }
      let line = first.line.map { " (line \($0))" } ?? ""
      self.root.findings.refuse(
        "two routes are called `\(route.id)`, this and `\(first.path)`\(line); passes of one would open the other",
        at: place.location)
    }
  }

  private func checkCovers(_ routes: [RouteConfiguration], _ places: [Place]) {
    guard routes.contains(where: { !$0.covers.isEmpty }) else { return }
    let known = Set(routes.map(\.id.text))
    for (route, place) in zip(routes, places) {
      for unknown in route.covers where !known.contains(unknown.text) {
        let hint = Spelling.hint(for: unknown.text, among: known.sorted())
        place.covers?.refuse("there is no route `\(unknown)`\(hint)")
      }
    }
  }

  /// Once, not for each of many routes.
  private func warnOfUnpayable(_ routes: [RouteConfiguration], _ elements: [Item]) {
    var units: Set<String> = []
    for route in routes {
      if case .priced(let price, _) = route.access {
        units.formUnion(price.entries.filter { $0.amounts.isEmpty }.map(\.key))
      }
    }
    guard !units.isEmpty, case .ways = self.payments else { return }
    let names = units.sorted().map { "`\($0)`" }.joined(separator: ", ")
    self.root.findings.warn(
      "no configured payment takes prices in \(names); they are not offered",
      at: self.root.location(of: .routes))
  }
}
