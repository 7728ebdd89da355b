/// The objects of one kind as last heard, by name.
struct ObjectCache<Object: KubernetesObject>: Equatable {
  private(set) var objects: [String: Object] = [:]

  /// All of them anew: what differs.
  mutating func replace(with list: [Object]) -> [CacheChange<Object>] {
    var next: [String: Object] = [:]
    for object in list { next[object.metadata.name] = object }
    var changes: [CacheChange<Object>] = []
    for (name, object) in self.objects where next[name]?.metadata.uid != object.metadata.uid {
      changes.append(.removed(object))
    }
    for object in list where self.objects[object.metadata.name] != object { changes.append(.set(object)) }
    self.objects = next
    return changes
  }

  mutating func set(_ object: Object) -> [CacheChange<Object>] {
    let former = self.objects.updateValue(object, forKey: object.metadata.name)
    guard let former, former.metadata.uid != object.metadata.uid else { return [.set(object)] }
    return [.removed(former), .set(object)]
  }

  mutating func remove(_ object: Object) -> [CacheChange<Object>] {
    guard let former = self.objects[object.metadata.name], former.metadata.uid == object.metadata.uid else {
      return []
    }
    self.objects[object.metadata.name] = nil
    return [.removed(object)]
  }
}

package enum CacheChange<Object: KubernetesObject>: Sendable, Equatable {
  /// New, or another than before.
  case set(Object)
  case removed(Object)
}
