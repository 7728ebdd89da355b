internal import JSON

/// What etcd and the API server's cache hold: objects, their versions, and the changes that a watch can still
/// be told.
struct ObjectStore {
  struct Key: Hashable {
    var resource: Resource
    var namespace: String
    var name: String
  }

  struct Change {
    enum Kind: String { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED" }

    var kind: Kind
    var key: Key
    var object: JSON
    var version: UInt64
  }

  private(set) var objects: [Key: JSON] = [:]
  private(set) var version: UInt64 = 1000
  private(set) var history: [Change] = []
  /// Changes before this are forgotten.
  private(set) var floor: UInt64 = 1000
  private var uids: UInt64 = 0

  mutating func insert(_ object: JSON, at key: Key, now: String) -> JSON {
    self.uids += 1
    var object = object
    let tail = String(self.uids, radix: 16)
    let uid = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - tail.count) + tail
    object.put(.string(key.resource.apiVersion), at: "apiVersion")
    object.put(.string(key.resource.kind), at: "kind")
    object.put(.string(uid), at: "metadata", "uid")
    object.put(.string(now), at: "metadata", "creationTimestamp")
    if key.resource != .namespaces { object.put(.string(key.namespace), at: "metadata", "namespace") }
    return self.record(.added, object, at: key)
  }

  /// Nothing happens when nothing differs, as on the real server.
  @discardableResult
  mutating func replace(_ object: JSON, at key: Key) -> JSON {
    if let former = self.objects[key], former == object { return former }
    return self.record(.modified, object, at: key)
  }

  @discardableResult
  mutating func remove(_ key: Key) -> JSON? {
    guard let object = self.objects[key] else { return nil }
    let last = self.record(.deleted, object, at: key)
    self.objects[key] = nil
    return last
  }

  private mutating func record(_ kind: Change.Kind, _ object: JSON, at key: Key) -> JSON {
    self.version += 1
    var object = object
    object.put(.string(String(self.version)), at: "metadata", "resourceVersion")
    self.objects[key] = object
    self.history.append(Change(kind: kind, key: key, object: object, version: self.version))
    return object
  }

  mutating func compact() {
    // What nobody watches also takes versions.
    self.version += 1
    self.floor = self.version
    self.history = []
  }

  func all(_ resource: Resource, in namespace: String? = nil) -> [(key: Key, object: JSON)] {
    self.objects.filter { $0.key.resource == resource && (namespace == nil || $0.key.namespace == namespace) }
      .sorted { ($0.key.namespace, $0.key.name) < ($1.key.namespace, $1.key.name) }
      .map { ($0.key, $0.value) }
  }
}

/// `labelSelector` and `fieldSelector` with `=` only.
struct ObjectFilter {
  var labels: [String: String] = [:]
  var fields: [[String]: String] = [:]

  /// Nil for a form that we do not know.
  init?(labels: String, fields: String) {
    for part in labels.split(separator: ",") {
      guard let (name, value) = Self.pair(part) else { return nil }
      self.labels[name] = value
    }
    for part in fields.split(separator: ",") {
      guard let (name, value) = Self.pair(part) else { return nil }
      self.fields[name.split(separator: ".").map { String($0) }] = value
    }
  }

  private static func pair(_ text: Substring) -> (String, String)? {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[0].hasSuffix("!") else { return nil }
    return (String(parts[0]), String(parts[1]))
  }

  func matches(_ object: JSON) -> Bool {
    let labels = object.labels
    return self.labels.allSatisfy { labels[$0.key] == $0.value }
      && self.fields.allSatisfy { object.value(at: $0.key)?.string == $0.value }
  }
}
