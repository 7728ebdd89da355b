package import JSON

extension JSON {
  /// The value at the end of a path of members; nil where it ends early.
  package func at(_ path: String...) -> JSON? { self.value(at: path) }

  func value(at path: [String]) -> JSON? {
    var value: JSON? = self
    for name in path { value = value?[name] }
    return value
  }

  /// Puts a value at the end of a path, making objects on the way; nil removes it.
  package mutating func put(_ value: JSON?, at path: String...) { self.put(value, at: path[...]) }

  mutating func put(_ value: JSON?, at path: ArraySlice<String>) {
    guard let name = path.first else { return }
    var members = self.members ?? []
    let index = members.firstIndex { $0.name == name }
    if path.count > 1 {
      var child = index.map { members[$0].value } ?? .object([])
      if child.members == nil { child = .object([]) }
      child.put(value, at: path.dropFirst())
      if let index { members[index].value = child } else { members.append(Member(name: name, value: child)) }
    } else if let value {
      if let index { members[index].value = value } else { members.append(Member(name: name, value: value)) }
    } else if let index {
      members.remove(at: index)
    }
    self = .object(members)
  }

  /// RFC 7386.
  mutating func merge(_ patch: JSON) {
    guard case .object(let changes) = patch else {
      self = patch
      return
    }
    if self.members == nil { self = .object([]) }
    for change in changes {
      if change.value == .null {
        self.put(nil, at: [change.name])
      } else {
        var child = self[change.name] ?? .null
        child.merge(change.value)
        self.put(child, at: [change.name])
      }
    }
  }

  var labels: [String: String] { self.value(at: ["metadata", "labels"])?.map ?? [:] }
  package var map: [String: String] {
    var map: [String: String] = [:]
    for member in self.members ?? [] { map[member.name] = member.value.string }
    return map
  }

  package var name: String { self.value(at: ["metadata", "name"])?.string ?? "" }
  package var uid: String { self.value(at: ["metadata", "uid"])?.string ?? "" }
  var version: UInt64 { self.value(at: ["metadata", "resourceVersion"])?.string.flatMap { UInt64($0) } ?? 0 }
  var ownerUIDs: [String] {
    (self.value(at: ["metadata", "ownerReferences"])?.array ?? []).compactMap { $0["uid"]?.string }
  }
  var isBeingDeleted: Bool { self.value(at: ["metadata", "deletionTimestamp"]) != nil }

  /// Seconds of a whole number.
  package var seconds: Int64? {
    switch self {
    case .unsigned(let value): Int64(exactly: value)
    case .number(let text): Int64(text)
    default: nil
    }
  }
}
