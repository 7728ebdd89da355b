private import Octets
private import Yams

/// Reads a kubeconfig file: one context's cluster, user and namespace.
///
/// Understood: `server`, `certificate-authority(-data)`, `insecure-skip-tls-verify` (only if also allowed by
/// the caller), `client-certificate(-data)`, `client-key(-data)`, `token`, `tokenFile`. Everything else that
/// would change who we are or whom we trust is refused by name: `exec` plugins would run a program of the
/// file's choice at any time, for which a service account's token is the remedy.
package struct Kubeconfig {
  static let maxBytes = 1 << 20

  private let root: Node
  /// Relative paths are relative to the file.
  private let folder: String

  package static func read(
    path: String, context: String? = nil, allowsUncheckedServer: Bool = false
  ) throws(ClusterAccessFault) -> ClusterAccess {
    let bytes = try AccessFile.read(path, maxBytes: self.maxBytes)
    let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
    return try self.read(
      String(decoding: bytes, as: UTF8.self), folder: folder, context: context,
      allowsUncheckedServer: allowsUncheckedServer)
  }

  package static func read(
    _ text: String, folder: String, context: String? = nil, allowsUncheckedServer: Bool = false
  ) throws(ClusterAccessFault) -> ClusterAccess {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      // Yams quotes the text in its errors, and the text holds keys.
      throw ClusterAccessFault("the kubeconfig is no YAML")
    }
    guard let root, case .mapping = root else { throw ClusterAccessFault("the kubeconfig is no mapping") }
    return try Kubeconfig(root: root, folder: folder).access(
      context: context, allowsUncheckedServer: allowsUncheckedServer)
  }

  private func access(
    context named: String?, allowsUncheckedServer: Bool
  ) throws(ClusterAccessFault) -> ClusterAccess {
    guard let name = named ?? self.text(self.root, "current-context") else {
      throw ClusterAccessFault("the kubeconfig names no current-context")
    }
    let context = try self.entry("contexts", named: name, holding: "context")
    guard let clusterName = self.text(context, "cluster"), let userName = self.text(context, "user") else {
      throw ClusterAccessFault("context `\(name)` names no cluster or no user")
    }
    let cluster = try self.entry("clusters", named: clusterName, holding: "cluster")
    let user = try self.entry("users", named: userName, holding: "user")
    return ClusterAccess(
      server: try self.server(cluster), trust: try self.trust(cluster, allowsUncheckedServer),
      identity: try self.identity(user), credential: try self.credential(user, named: userName),
      namespace: self.text(context, "namespace") ?? "default")
  }

  private func server(_ cluster: Node) throws(ClusterAccessFault) -> String {
    guard var server = self.text(cluster, "server") else {
      throw ClusterAccessFault("the cluster has no `server`")
    }
    while server.hasSuffix("/") { server.removeLast() }
    guard server.hasPrefix("https://") else {
      throw ClusterAccessFault("the cluster's `server` is no https URL: credentials would travel in clear")
    }
    for refused in ["proxy-url", "tls-server-name"] where self.text(cluster, refused) != nil {
      throw ClusterAccessFault("`\(refused)` in a kubeconfig is not supported")
    }
    return server
  }

  private func trust(_ cluster: Node, _ allowsUnchecked: Bool) throws(ClusterAccessFault)
    -> ClusterAccess.Trust
  {
    if self.text(cluster, "insecure-skip-tls-verify") == "true" {
      guard allowsUnchecked else {
        throw ClusterAccessFault(
          "the kubeconfig says insecure-skip-tls-verify; give certificate-authority-data instead, or allow it explicitly"
        )
      }
      return .unchecked
    }
    return try self.bytes(cluster, "certificate-authority").map { .authorities($0) } ?? .system
  }

  private func identity(_ user: Node) throws(ClusterAccessFault) -> ClusterAccess.ClientIdentity? {
    let chain = try self.bytes(user, "client-certificate")
    let key = try self.bytes(user, "client-key")
    switch (chain, key) {
    case (let chain?, let key?): return ClusterAccess.ClientIdentity(chain: chain, key: key)
    case (nil, nil): return nil
    default: throw ClusterAccessFault("the user has only one of client-certificate and client-key")
    }
  }

  private func credential(
    _ user: Node, named name: String
  ) throws(ClusterAccessFault) -> ClusterAccess.Credential {
    for refused in ["exec", "auth-provider", "username", "password", "as", "impersonate"]
    where self.node(user, refused) != nil {
      throw ClusterAccessFault(
        "user `\(name)` uses `\(refused)`, which is not supported; make a service account and put its token or "
          + "`tokenFile` there")
    }
    // As kubectl: a tokenFile beats a token.
    if let file = self.text(user, "tokenFile") { return .tokenFile(self.resolve(file)) }
    guard let text = self.text(user, "token") else { return .none }
    guard let token = BearerToken(text) else {
      throw ClusterAccessFault("the token of user `\(name)` is none")
    }
    return .token(token)
  }

  /// `NAME-data` in base64, which beats the file `NAME`.
  private func bytes(_ node: Node, _ name: String) throws(ClusterAccessFault) -> [UInt8]? {
    if let text = self.text(node, "\(name)-data") {
      guard let bytes = Base64.decode(text.utf8.filter { $0 > 0x20 }) else {
        throw ClusterAccessFault("`\(name)-data` is no base64")
      }
      return bytes
    }
    guard let path = self.text(node, name) else { return nil }
    return try AccessFile.read(self.resolve(path), maxBytes: Self.maxBytes)
  }

  private func resolve(_ path: String) -> String { path.hasPrefix("/") ? path : "\(self.folder)/\(path)" }

  private func entry(
    _ list: String, named name: String, holding member: String
  ) throws(ClusterAccessFault) -> Node {
    guard let entries = self.node(self.root, list)?.sequence,
      let entry = entries.first(where: { self.text($0, "name") == name }),
      let node = self.node(entry, member)
    else { throw ClusterAccessFault("the kubeconfig has no `\(name)` in `\(list)`") }
    return node
  }

  private func node(_ node: Node, _ name: String) -> Node? {
    guard let child = node.mapping?.first(where: { $0.key.scalar?.string == name })?.value else { return nil }
    if let scalar = child.scalar, scalar.string.isEmpty || scalar.string == "null" { return nil }
    return child
  }

  private func text(_ node: Node, _ name: String) -> String? { self.node(node, name)?.scalar?.string }
}
