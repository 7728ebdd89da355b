package import Gate

/// All that one process is told, checked and with its defaults.
package struct ServerConfiguration: Sendable, Equatable {
  package var listeners: Listeners
  /// The directory of the pass keys and the treasury seed.
  package var keysDirectory: String
  package var store: StoreLocation
  /// How long a request waits for a payment.
  package var deadline: Duration
  package var callers: Callers
  package var nginx: NginxConfiguration
  /// Nil: the Paygress face is off.
  package var paygress: PaygressFront?
  package var cashu: CashuPayments?
  package var x402: X402Payments?
  package var publicAPI: PublicConfiguration
  /// How many challenges one client may have without paying; nil: any number.
  package var unpaid: RequestLimit?
  /// Whether the answer to a time pass says how much time is left.
  package var passTime: Policy.Limits.PassTime
  /// Nil: no machines are sold.
  package var workloads: WorkloadsConfiguration?
  package var routes: [RouteConfiguration]
  package var fallback: Policy.Fallback
  package var log: LogConfiguration

  /// The routes as the gate looks them up.
  package func makeRouteTable() throws(RouteTable.DuplicateID) -> RouteTable {
    var routes: [Route] = []
    routes.reserveCapacity(self.routes.count)
    for route in self.routes { routes.append(route.makeRoute()) }
    return try RouteTable(routes)
  }
}

/// How buyers reach the `public` listener.
package struct PublicConfiguration: Sendable, Equatable {
  /// Where a client's address comes from.
  package enum ClientAddress: String, Sendable, CaseIterable {
    case connection
    /// A proxy in front overwrites the field.
    case realIP = "x-real-ip"
  }

  /// As a buyer types it; nil: as he called us, and no links.
  package var url: ServiceURL?
  package var clientAddress = ClientAddress.connection

  package init() {}
}

/// What NGINX's endpoints may believe.
package struct NginxConfiguration: Sendable, Equatable {
  /// Whether `Turnpike-Request` is the proxy's own `$request_id`.
  package enum Repeats: Sendable { case none, byRequestID }

  package var repeats = Repeats.none
  /// The named location that serves a page after `/nginx/accel` allowed it.
  package var accelLocation = "@app"

  package init() {}
}

/// Whose headers come with a question to the Paygress face.
package enum PaygressFront: String, Sendable, CaseIterable {
  case nginx
  case ingressNginx = "ingress-nginx"
  case traefik
}

package struct LogConfiguration: Sendable, Equatable {
  /// The words of swift-log.
  package enum Level: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
  }

  package enum Format: String, Sendable, CaseIterable { case text, json }

  package var level = Level.info
  package var format = Format.text

  package init() {}
}
