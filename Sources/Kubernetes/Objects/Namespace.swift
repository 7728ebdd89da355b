package import JSON

/// A namespace: its labels say which Pod Security standard is enforced.
package struct Namespace: KubernetesObject {
  package static let kind = ResourceKind(kind: "Namespace", plural: "namespaces", isNamespaced: false)

  package var metadata: ObjectMetadata

  package init(reading json: JSON) throws(Misread) { self.metadata = try ObjectMetadata(in: json) }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json,
    ])
  }

  /// `restricted`, `baseline`, `privileged`; nil where nothing is enforced by a label.
  package var enforcedPodSecurity: String? { self.metadata.labels["pod-security.kubernetes.io/enforce"] }
}
