package import JSON
private import Octets

/// Bytes that only pods that mount it and its readers by role may see. Its description shows none of them.
package struct Secret: KubernetesObject, CustomStringConvertible {
  package static let kind = ResourceKind(kind: "Secret", plural: "secrets")

  package var metadata: ObjectMetadata
  package var data: [String: [UInt8]]

  package init(metadata: ObjectMetadata, data: [String: [UInt8]]) {
    self.metadata = metadata
    self.data = data
  }

  package init(reading json: JSON) throws(Misread) {
    self.metadata = try ObjectMetadata(in: json)
    self.data = [:]
    for (name, text) in json.texts("data") {
      guard let bytes = Base64.decode(text.utf8) else { throw Misread(member: "data.\(name)") }
      self.data[name] = bytes
    }
  }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json, "type": .string("Opaque"), "data": Self.json(self.data),
    ])
  }

  /// The `data` member, also of a patch.
  package static func json(_ data: [String: [UInt8]]) -> JSON {
    .map(data.mapValues { Base64.encode($0) }) ?? .object([])
  }

  package var description: String { "Secret \(self.metadata.name) <redacted>" }
}
