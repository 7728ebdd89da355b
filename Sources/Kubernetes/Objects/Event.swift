package import JSON

/// What a controller or node says about an object (`v1` Event); kept by the cluster for an hour.
package struct Event: KubernetesObject {
  package static let kind = ResourceKind(kind: "Event", plural: "events")

  package var metadata: ObjectMetadata
  /// `FailedCreate`, `FailedScheduling`, `FailedMount` …
  package var reason: String
  package var message: String
  /// The uid of the object it is about.
  package var about: String?
  package var isWarning: Bool

  package init(reading json: JSON) throws(Misread) {
    self.metadata = try ObjectMetadata(in: json)
    self.reason = json["reason"]?.string ?? ""
    self.message = json["message"]?.string ?? ""
    self.about = json["involvedObject"]?["uid"]?.string
    self.isWarning = json["type"]?.string == "Warning"
  }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json,
    ])
  }
}
