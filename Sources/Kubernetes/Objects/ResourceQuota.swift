package import JSON

/// What a namespace may hold, and holds.
package struct ResourceQuota: KubernetesObject {
  package static let kind = ResourceKind(kind: "ResourceQuota", plural: "resourcequotas")

  package var metadata: ObjectMetadata
  /// Kubernetes quantities (`100m`, `512Gi`) by resource name.
  package var hard: [String: String]
  package var used: [String: String]

  package init(reading json: JSON) throws(Misread) {
    self.metadata = try ObjectMetadata(in: json)
    self.hard = json["status"]?.texts("hard") ?? [:]
    self.used = json["status"]?.texts("used") ?? [:]
  }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json, "spec": .record(["hard": .map(self.hard)]),
    ])
  }
}
