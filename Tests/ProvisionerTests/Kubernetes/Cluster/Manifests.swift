import JSON
import KubernetesDouble
import Testing
import Yams

/// The objects of `deploy/kubernetes`, as the API takes them: in JSON.
enum Manifests {
  /// Every object of a file, in the namespaces that `places` gives for those of the file.
  static func read(_ file: String, places: [String: String] = [:]) throws -> [JSON] {
    let text = try Role.read("deploy/kubernetes/\(file)")
    return try Yams.compose_all(yaml: text).map { self.move(try self.json($0), places) }
  }

  private static func move(_ object: JSON, _ places: [String: String]) -> JSON {
    var object = object
    if let place = object.at("metadata", "namespace")?.string.flatMap({ places[$0] }) {
      object.put(.string(place), at: "metadata", "namespace")
    }
    if let subjects = object["subjects"]?.array {
      let moved = subjects.map { subject in
        var subject = subject
        if let place = subject["namespace"]?.string.flatMap({ places[$0] }) {
          subject.put(.string(place), at: "namespace")
        }
        return subject
      }
      object.put(.array(moved), at: "subjects")
    }
    return object
  }

  private static func json(_ node: Node) throws -> JSON {
    switch node {
    case .mapping(let mapping):
      return .object(
        try mapping.map { JSON.Member(name: $0.key.string ?? "", value: try self.json($0.value)) })
    case .sequence(let sequence): return .array(try sequence.map { try self.json($0) })
    case .scalar(let scalar):
      guard scalar.style == .plain else { return .string(scalar.string) }
      if let bool = node.bool { return .bool(bool) }
      // `0440` is octal, as Kubernetes' own reader has it.
      if let number = node.int, number >= 0 { return .unsigned(UInt64(number)) }
      return .string(scalar.string)
    case .alias: throw ClusterTrouble("an alias in a manifest")
    }
  }
}

/// Why a trial could not go on: a sentence for whoever runs it.
struct ClusterTrouble: Error, CustomStringConvertible {
  var description: String

  init(_ sentence: String) { self.description = sentence }
}
