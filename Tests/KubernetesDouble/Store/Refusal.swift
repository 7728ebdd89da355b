internal import JSON

/// An answer of 400 or above, in the API's words.
package struct Refusal: Error, Equatable {
  package var code: Int
  package var reason: String
  package var message: String
  package var retryAfterSeconds: Int?

  package init(_ code: Int, _ reason: String, _ message: String, retryAfterSeconds: Int? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.retryAfterSeconds = retryAfterSeconds
  }

  static func notFound(_ resource: Resource, _ name: String) -> Refusal {
    Refusal(404, "NotFound", "\(resource.qualified) \"\(name)\" not found")
  }

  static func invalid(_ resource: Resource, _ name: String, _ why: String) -> Refusal {
    Refusal(422, "Invalid", "\(resource.kind) \"\(name)\" is invalid: \(why)")
  }

  static func forbidden(_ resource: Resource, _ name: String, _ why: String) -> Refusal {
    Refusal(403, "Forbidden", "\(resource.qualified) \"\(name)\" is forbidden: \(why)")
  }

  var json: JSON {
    .record([
      "kind": .string("Status"), "apiVersion": .string("v1"), "metadata": .object([]),
      "status": .string("Failure"), "message": .string(self.message), "reason": .string(self.reason),
      "code": .unsigned(UInt64(self.code)),
    ])
  }
}

/// The kinds that the double stores.
package enum Resource: String, CaseIterable, Sendable {
  case jobs, pods, secrets, events, namespaces, resourcequotas, networkpolicies
  case limitranges, serviceaccounts, roles, rolebindings, configmaps, services, deployments
  case persistentvolumeclaims

  var group: String {
    switch self {
    case .jobs: "batch"
    case .networkpolicies: "networking.k8s.io"
    case .roles, .rolebindings: "rbac.authorization.k8s.io"
    case .deployments: "apps"
    default: ""
    }
  }

  var kind: String {
    switch self {
    case .jobs: "Job"
    case .pods: "Pod"
    case .secrets: "Secret"
    case .events: "Event"
    case .namespaces: "Namespace"
    case .resourcequotas: "ResourceQuota"
    case .networkpolicies: "NetworkPolicy"
    case .limitranges: "LimitRange"
    case .serviceaccounts: "ServiceAccount"
    case .roles: "Role"
    case .rolebindings: "RoleBinding"
    case .configmaps: "ConfigMap"
    case .services: "Service"
    case .deployments: "Deployment"
    case .persistentvolumeclaims: "PersistentVolumeClaim"
    }
  }

  var apiVersion: String { self.group.isEmpty ? "v1" : "\(self.group)/v1" }
  var qualified: String { self.group.isEmpty ? self.rawValue : "\(self.rawValue).\(self.group)" }
}
