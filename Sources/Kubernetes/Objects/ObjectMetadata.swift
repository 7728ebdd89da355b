package import JSON

/// An object's name and what hangs on it (`metav1.ObjectMeta`).
package struct ObjectMetadata: Sendable, Equatable {
  package var name: String
  package var namespace: String?
  /// Given by the API server; another object of the same name has another.
  package var uid: String?
  /// Opaque: only compared and sent back.
  package var resourceVersion: String?
  package var labels: [String: String]
  package var annotations: [String: String]
  package var owners: [OwnerReference]
  package var created: KubernetesTime?
  /// Set: it is being deleted and goes when its finalizers or processes have.
  package var deletionRequested: KubernetesTime?

  package init(
    name: String, namespace: String? = nil, labels: [String: String] = [:],
    annotations: [String: String] = [:], owners: [OwnerReference] = []
  ) {
    self.name = name
    self.namespace = namespace
    self.labels = labels
    self.annotations = annotations
    self.owners = owners
  }

  init(in object: JSON) throws(Misread) {
    guard let json = object["metadata"] else { throw Misread(member: "metadata") }
    self.name = try json.text("name")
    self.namespace = json["namespace"]?.string
    self.uid = json["uid"]?.string
    self.resourceVersion = json["resourceVersion"]?.string
    self.labels = json.texts("labels")
    self.annotations = json.texts("annotations")
    self.owners = []
    for owner in json["ownerReferences"]?.array ?? [] {
      self.owners.append(try OwnerReference(reading: owner))
    }
    self.created = json.time("creationTimestamp")
    self.deletionRequested = json.time("deletionTimestamp")
  }

  /// What a client may say of it.
  package var json: JSON {
    .record([
      "name": .string(self.name), "namespace": self.namespace.map { .string($0) },
      "labels": .map(self.labels), "annotations": .map(self.annotations),
      "ownerReferences": .list(self.owners.map(\.json)),
    ])
  }
}

/// Ties an object's life to another's: when its owner goes, the garbage collector removes it.
package struct OwnerReference: Sendable, Hashable {
  package var apiVersion: String
  package var kind: String
  package var name: String
  package var uid: String

  package init(to kind: ResourceKind, name: String, uid: String) {
    self.apiVersion = kind.apiVersion
    self.kind = kind.kind
    self.name = name
    self.uid = uid
  }

  init(reading json: JSON) throws(Misread) {
    self.apiVersion = try json.text("apiVersion")
    self.kind = try json.text("kind")
    self.name = try json.text("name")
    self.uid = try json.text("uid")
  }

  package var json: JSON {
    .record([
      "apiVersion": .string(self.apiVersion), "kind": .string(self.kind), "name": .string(self.name),
      "uid": .string(self.uid),
    ])
  }
}
