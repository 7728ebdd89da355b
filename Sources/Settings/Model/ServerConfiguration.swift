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
