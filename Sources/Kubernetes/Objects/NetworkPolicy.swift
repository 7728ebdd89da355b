package import JSON

/// A namespace's firewall: read only to see that there is one.
package struct NetworkPolicy: KubernetesObject {
  package static let kind = ResourceKind(
    group: "networking.k8s.io", kind: "NetworkPolicy", plural: "networkpolicies")

  package var metadata: ObjectMetadata

  package init(reading json: JSON) throws(Misread) { self.metadata = try ObjectMetadata(in: json) }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json,
    ])
  }
}
