/// The doors of the process, each with its own work.
package enum ListenerName: String, Sendable, CaseIterable {
  case proxy, grpc, `public`, admin

  /// Design §6: `proxy` and `grpc` decide what is asked, so they are local unless told otherwise; so are the others.
  package var defaultAddress: BindAddress {
    switch self {
    case .proxy: .tcp(host: "127.0.0.1", port: 8080)
    case .grpc: .tcp(host: "127.0.0.1", port: 9001)
    case .public: .tcp(host: "127.0.0.1", port: 8081)
    case .admin: .tcp(host: "127.0.0.1", port: 9090)
    }
  }
}

package struct ListenerConfiguration: Sendable, Equatable {
  package var address: BindAddress
  package var tls: TLSFiles?

  package init(address: BindAddress, tls: TLSFiles? = nil) {
    self.address = address
    self.tls = tls
  }
}

/// Paths of PEM files.
package struct TLSFiles: Sendable, Equatable {
  package var certificate: String
  package var key: String
  /// Set: a client must show a certificate of this authority.
  package var clientCA: String?

  package init(certificate: String, key: String, clientCA: String? = nil) {
    self.certificate = certificate
    self.key = key
    self.clientCA = clientCA
  }
}

/// What listens where; a listener that is off is nil.
package struct Listeners: Sendable, Equatable {
  private var all: [ListenerName: ListenerConfiguration]

  package init(_ all: [ListenerName: ListenerConfiguration]) { self.all = all }

  package subscript(name: ListenerName) -> ListenerConfiguration? {
    get { self.all[name] }
    set { self.all[name] = newValue }
  }
}
