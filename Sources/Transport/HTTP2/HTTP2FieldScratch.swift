/// Where the fields of a header block are put while nghttp2 gives them one by one; bytes only, so that a field costs
/// two copies and nothing else. Emptied into the request when the block ends, when it is full, and before the loop
/// turns to another connection.
@safe struct HTTP2FieldScratch: ~Copyable {
  private struct Lengths {
    var name: Int32
    var value: Int32
  }

  /// Holds what a proxy sends at most in one go; larger fields pass it by.
  private static let capacityBytes = 8 * 1024
  private static let capacityFields = 64

  private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.capacityBytes)
  private let lengths = UnsafeMutablePointer<Lengths>.allocate(capacity: Self.capacityFields)
  private var byteCount = 0
  private var fieldCount = 0

  deinit {
    unsafe self.bytes.deallocate()
    unsafe self.lengths.deallocate()
  }

  /// False when there is no room.
  mutating func put(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    let total = name.count + value.count
    guard total <= Self.capacityBytes - self.byteCount, self.fieldCount < Self.capacityFields else {
      return false
    }
    let start = unsafe self.bytes + self.byteCount
    if let source = name.baseAddress { unsafe start.update(from: source, count: name.count) }
    if let source = value.baseAddress { unsafe (start + name.count).update(from: source, count: value.count) }
    unsafe self.lengths[self.fieldCount] = Lengths(name: Int32(name.count), value: Int32(value.count))
    self.byteCount += total
    self.fieldCount += 1
    return true
  }

  /// Gives the fields to `request` in their order, and is empty.
  mutating func empty(into request: HTTPRequest) {
    var position = unsafe self.bytes
    for index in 0..<self.fieldCount {
      let name = unsafe UnsafeBufferPointer(start: position, count: Int(self.lengths[index].name))
      unsafe position += name.count
      let value = unsafe UnsafeBufferPointer(start: position, count: Int(self.lengths[index].value))
      unsafe position += value.count
      unsafe request.appendHTTP2Field(name, value)
    }
    self.clear()
  }

  mutating func clear() {
    self.byteCount = 0
    self.fieldCount = 0
  }

  var isEmpty: Bool { self.fieldCount == 0 }
}
