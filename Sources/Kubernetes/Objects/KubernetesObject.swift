package import JSON

/// One kind of object, as far as we use it: other members are neither read nor kept, so objects are changed
/// by patches and never written back whole.
package protocol KubernetesObject: Sendable, Equatable {
  static var kind: ResourceKind { get }
  var metadata: ObjectMetadata { get }

  init(reading json: JSON) throws(Misread)
  /// What `create` sends.
  var json: JSON { get }
}
