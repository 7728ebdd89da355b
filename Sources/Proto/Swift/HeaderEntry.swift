/// An entry of Envoy's `headers` map, as it stands on the wire.
enum HeaderEntry {
  /// Name and value of an entry in its usual spelling: the key, then the value, and nothing else. Nil for any other, which
  /// may be an entry nonetheless.
  ///
  /// A header that nobody reads costs a few steps here instead of a message of protobuf-c's.
  static func split(
    _ entry: UnsafeBufferPointer<UInt8>
  ) -> (name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>)? {
    guard entry.count >= 4, unsafe entry[0] == self.keyTag, unsafe entry[1] < 0x80 else { return nil }
    let nameEnd = 2 + Int(unsafe entry[1])
    guard nameEnd + 2 <= entry.count, unsafe entry[nameEnd] == self.valueTag else { return nil }
    var start = nameEnd + 2
    var length = Int(unsafe entry[nameEnd + 1])
    if length >= 0x80 {
      // Two bytes of length: up to 16 KiB.
      guard start < entry.count, unsafe entry[start] < 0x80 else { return nil }
      length = length & 0x7F | Int(unsafe entry[start]) << 7
      start += 1
    }
    guard length == entry.count - start else { return nil }
    return unsafe (
      UnsafeBufferPointer(rebasing: entry[2..<nameEnd]), UnsafeBufferPointer(rebasing: entry[start...])
    )
  }

  /// Fields 1 and 2, length-delimited.
  private static let keyTag: UInt8 = 1 << 3 | 2
  private static let valueTag: UInt8 = 2 << 3 | 2
}
