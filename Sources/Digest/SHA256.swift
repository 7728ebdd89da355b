internal import COpenSSL

/// SHA-256 (FIPS 180-4), whole or piece by piece. A value: a copy goes on from the same state.
package struct SHA256: Sendable {
  package static let byteCount = 32

  private var state: SHA256_CTX

  package init() {
    self.state = SHA256_CTX()
    // Each of these calls fails only when OpenSSL itself was not initialised, which it does on load.
    let done = unsafe SHA256_Init(&self.state)
    precondition(done == 1, "SHA-256 is not available")
  }

  package mutating func update(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBytes { buffer in
      _ = unsafe SHA256_Update(&self.state, buffer.baseAddress, buffer.count)
    }
  }

  package mutating func update(_ bytes: [UInt8]) { self.update(bytes.span) }

  package mutating func update(_ text: StaticString) {
    _ = unsafe SHA256_Update(&self.state, text.utf8Start, text.utf8CodeUnitCount)
  }

  /// The digest without an allocation.
  package consuming func finish() -> InlineArray<32, UInt8> {
    var digest = InlineArray<32, UInt8>(repeating: 0)
    var state = self.state
    var span = digest.mutableSpan
    unsafe span.withUnsafeMutableBufferPointer { buffer in
      _ = unsafe SHA256_Final(buffer.baseAddress, &state)
    }
    return digest
  }

  package static func hash(_ bytes: [UInt8]) -> [UInt8] { self.hash(bytes.span) }

  package static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
    var hasher = SHA256()
    hasher.update(bytes)
    return Array(hasher.finish())
  }
}

extension Array<UInt8> {
  /// The bytes of a digest as an array.
  package init(_ digest: InlineArray<32, UInt8>) {
    self.init(digest.span)
  }

  package init(_ span: Span<UInt8>) {
    self = []
    self.reserveCapacity(span.count)
    for index in span.indices { self.append(span[index]) }
  }
}
