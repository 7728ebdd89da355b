internal import Yams

/// The variables that stand over the file, for what differs from one deployment to the next.
package enum Variable: String, Sendable, CaseIterable {
  case proxyListen = "TURNPIKE_PROXY_LISTEN"
  case grpcListen = "TURNPIKE_GRPC_LISTEN"
  case publicListen = "TURNPIKE_PUBLIC_LISTEN"
  case adminListen = "TURNPIKE_ADMIN_LISTEN"
  case keys = "TURNPIKE_KEYS"
  case store = "TURNPIKE_STORE"
  case storePassword = "TURNPIKE_STORE_PASSWORD"
  case deadline = "TURNPIKE_DEADLINE"
  case publicURL = "TURNPIKE_PUBLIC_URL"
  case proxySecret = "TURNPIKE_PROXY_SECRET"
  case proxySecretFile = "TURNPIKE_PROXY_SECRET_FILE"
  case facilitator = "TURNPIKE_X402_FACILITATOR"
  case payTo = "TURNPIKE_X402_PAY_TO"
  case trust = "TURNPIKE_TRUST"
  case logLevel = "TURNPIKE_LOG_LEVEL"
  case logFormat = "TURNPIKE_LOG_FORMAT"
}

/// Why a file could not be read, in the words of the system.
package struct UnreadableFile: Error, Sendable {
  package var reason: String

  package init(reason: String) { self.reason = reason }
}

/// What a configuration may be read from beside its own text; given, never looked up.
package struct Surroundings {
  package var environment: [String: String]
  /// The whole of a small file.
  package var readFile: (_ path: String) throws(UnreadableFile) -> [UInt8]

  /// Whether every user of this host can read a file.
  package var isOpenToAll: (_ path: String) -> Bool

  package init(
    environment: [String: String], isOpenToAll: @escaping (_ path: String) -> Bool = { _ in false },
    readFile: @escaping (_ path: String) throws(UnreadableFile) -> [UInt8]
  ) {
    self.environment = environment
    self.isOpenToAll = isOpenToAll
    self.readFile = readFile
  }

  /// The value of a variable; an empty one counts as absent.
  func value(_ name: String) -> String? { self.environment[name].flatMap { $0.isEmpty ? nil : $0 } }

  func item(_ variable: Variable, _ findings: Findings) -> Item? {
    self.item(named: variable.rawValue, findings)
  }

  func item(named name: String, _ findings: Findings) -> Item? {
    self.value(name).map {
      Item(node: Node($0), location: Location(path: name, line: nil), findings: findings)
    }
  }

  /// Refuses a file that cannot be read.
  func contents(ofFileAt item: Item) -> [UInt8]? {
    guard let path = item.text() else { return nil }
    do throws(UnreadableFile) {
      return try self.readFile(path)
    } catch {
      item.refuse("\(Item.quote(path)) cannot be read: \(error.reason)")
      return nil
    }
  }

  /// Warns of a file that everybody can read: a container may have its secrets mounted so.
  func secret(inFileAt item: Item) -> [UInt8]? {
    let bytes = self.contents(ofFileAt: item)
    if bytes != nil, let path = item.text(), self.isOpenToAll(path) {
      item.warn("every user of this host can read \(Item.quote(path)): `chmod o= FILE`")
    }
    return bytes
  }
}
