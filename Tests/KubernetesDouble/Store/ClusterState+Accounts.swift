internal import JSON

/// Service accounts: their tokens, and what roles let them do.
extension ClusterState {
  private static let tokenPrefix = "double-account."

  /// `TokenRequest`: one for as long as the account is there.
  func token(of account: ObjectStore.Key) throws(Refusal) -> JSON {
    _ = try self.get(account)
    return .record([
      "apiVersion": .string("authentication.k8s.io/v1"), "kind": .string("TokenRequest"),
      "status": .record(["token": .string("\(Self.tokenPrefix)\(account.namespace).\(account.name)")]),
    ])
  }

  /// The account that shows this token; nil for who shows none, or another.
  static func account(token: String) -> (namespace: String, name: String)? {
    guard token.hasPrefix(self.tokenPrefix) else { return nil }
    let parts = token.dropFirst(self.tokenPrefix.count).split(separator: ".", maxSplits: 1)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
  }

  /// RBAC: by a role of the namespace that is bound to the account there.
  func allows(
    _ account: (namespace: String, name: String), _ verb: String, _ resource: Resource, in namespace: String
  ) -> Bool {
    for (_, binding) in self.store.all(.rolebindings, in: namespace) {
      let isMeant = (binding["subjects"]?.array ?? []).contains {
        $0["kind"]?.string == "ServiceAccount" && $0["name"]?.string == account.name
          && $0["namespace"]?.string == account.namespace
      }
      guard isMeant, let role = binding.at("roleRef", "name")?.string else { continue }
      let key = ObjectStore.Key(resource: .roles, namespace: namespace, name: role)
      for rule in self.store.objects[key]?["rules"]?.array ?? [] {
        func has(_ member: String, _ word: String) -> Bool {
          (rule[member]?.array ?? []).contains { $0.string == word }
        }
        if has("apiGroups", resource.group), has("resources", resource.rawValue), has("verbs", verb) {
          return true
        }
      }
    }
    return false
  }
}
