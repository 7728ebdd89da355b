internal import Octets

extension HTTP2Stream {
  /// What one call for body bytes gave.
  enum Fill {
    case more(Int)
    case nothing
    case end(Int)
    /// The end, to be followed by `grpc-status: 0`.
    case endWithStatusOK(Int)
    case endWithTrailers(FieldList)
    case cutOff
  }

  /// Copies the next bytes of the answer's body.
  func fill(_ room: UnsafeMutableBufferPointer<UInt8>) -> Fill {
    self.hasProgressed = true
    switch self.framing {
    case .plain:
      let filled = unsafe self.copyPayload(to: room)
      return self.payloadOffset == self.payload.count ? .end(filled) : .more(filled)
    case .grpc:
      let filled = unsafe self.copyMessage(to: room)
      let total = GRPCFraming.prefixBytes + self.payload.count
      return self.payloadOffset == total ? .endWithStatusOK(filled) : .more(filled)
    case .parts:
      guard let parts = self.parts else { return .cutOff }
      switch parts.pull(max: room.count) {
      case .bytes(let bytes):
        return .more(unsafe bytes.withUnsafeBufferPointer { unsafe room.update(fromContentsOf: $0) })
      case .nothing: return .nothing
      case .end(let trailers): return trailers.isEmpty ? .end(0) : .endWithTrailers(trailers)
      case .cutOff: return .cutOff
      }
    }
  }

  private func copyPayload(to room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let count = min(room.count, self.payload.count - self.payloadOffset)
    unsafe self.copy(count, from: self.payloadOffset, to: room)
    self.payloadOffset += count
    return count
  }

  /// The offset counts the five bytes of framing too.
  private func copyMessage(to room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let prefix = GRPCFraming.prefixBytes
    let total = prefix + self.payload.count
    let count = min(room.count, total - self.payloadOffset)
    var filled = 0
    while filled < count, self.payloadOffset < prefix {
      unsafe room[filled] = GRPCFraming.prefixByte(self.payloadOffset, length: self.payload.count)
      filled += 1
      self.payloadOffset += 1
    }
    guard filled < count else { return filled }
    let rest = unsafe UnsafeMutableBufferPointer(rebasing: room[filled...])
    unsafe self.copy(count - filled, from: self.payloadOffset - prefix, to: rest)
    self.payloadOffset += count - filled
    return count
  }

  private func copy(_ count: Int, from offset: Int, to room: UnsafeMutableBufferPointer<UInt8>) {
    unsafe self.payload.withUnsafeBufferPointer { payload in
      _ = unsafe room.update(fromContentsOf: payload[offset..<(offset + count)])
    }
  }
}

extension GRPCFraming {
  /// One of the five bytes before a message that is not compressed.
  static func prefixByte(_ index: Int, length: Int) -> UInt8 {
    index == 0 ? 0 : UInt8(truncatingIfNeeded: length >> (8 * (4 - index)))
  }
}
