package import Octets

/// The header fields worth copying out of a request; the others are never touched.
package struct HeaderInterest: Sendable {
  private let names: [UInt8]
  private let ends: [Int]
  /// Bit n: some name has n bytes; bit 63 stands for 63 and more.
  private let lengths: UInt64

  /// The names of `fields`, lower-case as in every ``FieldList``; their values do not matter.
  package init(_ fields: FieldList) {
    var names: [UInt8] = []
    var ends: [Int] = []
    var lengths: UInt64 = 0
    for index in 0..<fields.count {
      let name = fields[index].name
      names.append(contentsOf: name)
      ends.append(names.count)
      lengths |= 1 << UInt64(min(name.count, 63))
    }
    self.names = names
    self.ends = ends
    self.lengths = lengths
  }

  /// Our own copy of `name`, lower-case; nil when nobody asked for it. Upper and lower case are alike.
  func match(_ name: UnsafeBufferPointer<UInt8>) -> ArraySlice<UInt8>? {
    guard self.lengths & (1 << UInt64(min(name.count, 63))) != 0 else { return nil }
    var start = 0
    for end in self.ends {
      if end - start == name.count, unsafe self.isEqual(name, at: start) { return self.names[start..<end] }
      start = end
    }
    return nil
  }

  private func isEqual(_ name: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
    for offset in 0..<name.count where unsafe ASCII.lowercased(name[offset]) != self.names[start + offset] {
      return false
    }
    return true
  }
}
