/// An ordered list of header fields, kept in one piece of memory.
///
/// Names are lower-case ASCII: who appends them makes them so (HTTP/2 requires it on the wire, RFC 9113 §8.2.1;
/// the HTTP/1 parser folds them). Values are the bytes as received, without surrounding white space.
public struct FieldList: Sendable {
  /// One field; both slices share the list's memory.
  public struct Field: Sendable {
    public var name: ArraySlice<UInt8>
    public var value: ArraySlice<UInt8>
  }

  /// How often a name occurs, and its value where that is a fact rather than a choice.
  public enum Occurrence: Sendable, Equatable {
    case absent
    case once(ArraySlice<UInt8>)
    case repeated
  }

  private struct Entry: Sendable {
    var nameStart: Int32
    var valueStart: Int32
    var end: Int32
  }

  private var storage: [UInt8] = []
  private var entries: [Entry] = []

  public init() {}

  public var count: Int { self.entries.count }
  public var isEmpty: Bool { self.entries.isEmpty }

  /// Bytes of all names and values together.
  public var byteCount: Int { self.storage.count }

  public subscript(index: Int) -> Field {
    let entry = self.entries[index]
    return Field(
      name: self.storage[Int(entry.nameStart)..<Int(entry.valueStart)],
      value: self.storage[Int(entry.valueStart)..<Int(entry.end)]
    )
  }

  public mutating func append(name: some Sequence<UInt8>, value: some Sequence<UInt8>) {
    let nameStart = Int32(self.storage.count)
    self.storage.append(contentsOf: name)
    let valueStart = Int32(self.storage.count)
    self.storage.append(contentsOf: value)
    self.entries.append(Entry(nameStart: nameStart, valueStart: valueStart, end: Int32(self.storage.count)))
  }

  /// The same for memory of the transport: the generic form is not specialised across modules, and this is the hot path.
  public mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
    let nameStart = Int32(self.storage.count)
    unsafe self.storage.append(contentsOf: name)
    let valueStart = Int32(self.storage.count)
    unsafe self.storage.append(contentsOf: value)
    self.entries.append(Entry(nameStart: nameStart, valueStart: valueStart, end: Int32(self.storage.count)))
  }

  public mutating func append(_ name: StaticString, _ value: some Sequence<UInt8>) {
    unsafe self.append(
      name: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value: value)
  }

  /// Keeps the memory, so that a list that is used again costs no allocation.
  public mutating func removeAll() {
    self.storage.removeAll(keepingCapacity: true)
    self.entries.removeAll(keepingCapacity: true)
  }

  /// The value of a field that must not be repeated.
  public func only(_ name: StaticString) -> Occurrence {
    var found: ArraySlice<UInt8>?
    for entry in self.entries where self.isNamed(entry, name) {
      if found != nil { return .repeated }
      found = self.storage[Int(entry.valueStart)..<Int(entry.end)]
    }
    return found.map { .once($0) } ?? .absent
  }

  public func values(of name: StaticString) -> [ArraySlice<UInt8>] {
    var found: [ArraySlice<UInt8>] = []
    for entry in self.entries where self.isNamed(entry, name) {
      found.append(self.storage[Int(entry.valueStart)..<Int(entry.end)])
    }
    return found
  }

  /// The fields with one of `names`, in their order.
  public func selecting(_ names: [StaticString]) -> FieldList {
    var selected = FieldList()
    for (index, entry) in self.entries.enumerated() where names.contains(where: { self.isNamed(entry, $0) }) {
      let field = self[index]
      selected.append(name: field.name, value: field.value)
    }
    return selected
  }

  /// The fields of one name alone; shares the list's memory.
  public func named(_ name: StaticString) -> FieldList {
    var list = self
    list.entries.removeAll { !self.isNamed($0, name) }
    return list
  }

  public func contains(_ name: StaticString) -> Bool {
    self.entries.contains { self.isNamed($0, name) }
  }

  private func isNamed(_ entry: Entry, _ name: StaticString) -> Bool {
    let count = name.utf8CodeUnitCount
    guard Int(entry.valueStart - entry.nameStart) == count else { return false }
    let start = Int(entry.nameStart)
    for offset in 0..<count where unsafe self.storage[start + offset] != name.utf8Start[offset] {
      return false
    }
    return true
  }
}
