internal import ExtAuthz
internal import Gate
internal import JSON
internal import Transport

/// `GET /v1/offers`: what is sold here, and how it is paid.
struct OffersResource: Sendable {
  let gate: Gate
  let settings: PublicSettings

  /// More are not listed; the answer says so.
  private static let maxRoutes = 1_000
  /// Different prices whose ways to pay are told; each costs as much as a 402, and anyone may ask. Of the others the
  /// route's own 402 tells.
  static let maxPrices = 32

  func answer(to request: PublicRequest) -> HTTPResponse {
    let policy = self.gate.currentPolicy
    // A tier is the proxy's to choose, and a denied route sells nothing.
    let listed = policy.routes.routes.lazy.filter { $0.tier == nil && !$0.isDenied }
    let routes = Array(listed.prefix(Self.maxRoutes + 1))
    var ways: [Tariff: JSON] = [:]
    let occasion = Challenge.Occasion(resource: request.origin + request.path, reason: "payment_required")
    var list: [JSON] = []
    for route in routes.prefix(Self.maxRoutes) {
      var payments: JSON?
      if let tariff = route.tariff {
        if ways[tariff] == nil, ways.count < Self.maxPrices {
          ways[tariff] = .array(policy.challenges(for: tariff).map { $0.json(for: occasion) })
        }
        payments = ways[tariff]
      }
      list.append(route.json(payments: payments, machine: self.machine(of: route)))
    }
    return PublicAnswer.json(
      200,
      .record([
        "service": .string("turnpike"),
        "version": .string(self.settings.version),
        "passes": .string(request.origin + "/v1/passes"),
        "workloads": self.gate.machineRoutes.isEmpty ? nil : .string(request.origin + "/v1/workloads"),
        "methods": .object(self.settings.methods.compactMap { $0.parsed }),
        "routes": .array(list),
        "truncated": routes.count > Self.maxRoutes ? .bool(true) : nil,
      ]))
  }

  /// What a route's payment buys beside time: a machine of this size.
  private func machine(of route: Route) -> JSON? {
    guard let spec = route.provision else { return nil }
    let kind = self.settings.workloads.kinds.first { $0.name == spec }
    let reduced = self.gate.office?.condition.reducedIsolation ?? []
    return .record([
      "spec": .string(spec.text),
      "cpu_millicores": kind.map { .unsigned(UInt64($0.milliCPU)) },
      "memory_bytes": kind.map { .unsigned($0.memoryBytes) },
      "disk_bytes": kind.map { .unsigned($0.diskBytes) },
      "processes": kind.map { .unsigned(UInt64($0.processes)) },
      "images": kind.flatMap { $0.images.isEmpty ? nil : .array($0.images.map { .string($0) }) },
      "username": kind.map { .string($0.username) },
      "network": kind.map { .string($0.network) },
      "available": self.gate.office.map { .bool($0.vacancy(for: spec) == .open) },
      "reduced_isolation": reduced.isEmpty ? nil : .array(reduced.map { .string($0) }),
    ])
  }
}

extension Route {
  fileprivate var isDenied: Bool { if case .denied = self.access { true } else { false } }

  fileprivate func json(payments: JSON?, machine: JSON?) -> JSON {
    let hosts = self.hosts.map { host in
      switch host {
      case .exact(let name): JSON.string(name)
      case .below(let name): JSON.string("*." + name)
      }
    }
    let quota = self.freeQuota.map { quota in
      JSON.record([
        "requests": .unsigned(UInt64(quota.requests)), "seconds": .unsigned(quota.per.wholeSeconds),
      ])
    }
    return .record([
      "id": .string(self.id.text),
      "path": .string(self.pattern.text),
      "hosts": hosts.isEmpty ? nil : .array(hosts),
      "methods": self.methods.isEmpty ? nil : .array(self.methods.map { .string($0.name) }),
      "access": .string(self.tariff == nil ? "free" : "priced"),
      "prices": self.tariff.map { .array($0.prices.map(\.json)) },
      "pass": self.tariff?.terms.json,
      "freeQuota": quota,
      "machine": machine,
      "payments": payments,
    ])
  }
}

extension Amount {
  fileprivate var json: JSON {
    .record(["amount": .unsigned(self.value), "unit": .string(self.unit.name)])
  }
}

extension Tariff.Terms {
  /// What one price buys.
  fileprivate var json: JSON {
    switch self {
    case .uses(let uses): .record(["uses": .unsigned(UInt64(uses))])
    case .duration(let span): .record(["seconds": .unsigned(span.wholeSeconds)])
    case .usesWithin(let uses, let span):
      .record(["uses": .unsigned(UInt64(uses)), "seconds": .unsigned(span.wholeSeconds)])
    case .rate(let per, let least):
      .record(["seconds": .unsigned(per.wholeSeconds), "leastSeconds": .unsigned(least.wholeSeconds)])
    }
  }
}

extension Challenge {
  fileprivate func json(for occasion: Occasion) -> JSON {
    let text = self.text(for: occasion)
    let headers = text.fields.map { JSON.Member(name: $0.name.lowercased(), value: .string($0.value)) }
    var members = [JSON.Member(name: "method", value: .string(self.method.name))]
    if !headers.isEmpty { members.append(.init(name: "headers", value: .object(headers))) }
    if let order = text.ways.compactMap(\.order).first {
      members.append(.init(name: "order", value: .string(order)))
    }
    return .object(members + text.members.compactMap(\.parsed))
  }
}

extension Challenge.Member {
  /// Nil for what is no JSON.
  fileprivate var parsed: JSON.Member? {
    (try? JSONReader.read(Array(self.json.utf8))).map { JSON.Member(name: self.name, value: $0) }
  }
}

extension Duration {
  fileprivate var wholeSeconds: UInt64 { UInt64(clamping: self.components.seconds) }
}
