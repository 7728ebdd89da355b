/// Cuts a stream of bytes into lines of bounded length.
struct WatchLines {
  private let maxLineBytes: Int
  private var buffer: [UInt8] = []
  /// How far `buffer` is known to hold no line's end.
  private var scanned = 0

  init(maxLineBytes: Int) { self.maxLineBytes = maxLineBytes }

  mutating func append(_ bytes: some Sequence<UInt8>) { self.buffer.append(contentsOf: bytes) }

  /// Nil until more bytes come. Empty lines are passed over.
  mutating func next() throws(KubernetesFault) -> [UInt8]? {
    while let end = self.buffer[self.scanned...].firstIndex(of: 0x0A) {
      let line = Array(self.buffer[..<end])
      self.buffer.removeSubrange(...end)
      self.scanned = 0
      guard line.count <= self.maxLineBytes else { throw .malformed("a watch event longer than we read") }
      if !line.isEmpty { return line }
    }
    self.scanned = self.buffer.count
    guard self.buffer.count <= self.maxLineBytes else {
      throw .malformed("a watch event longer than we read")
    }
    return nil
  }
}
