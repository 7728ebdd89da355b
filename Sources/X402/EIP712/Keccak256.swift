/// Keccak-256 as Ethereum has it: the permutation of FIPS 202 with the padding of the original submission
/// (`0x01` where SHA-3 has `0x06`). OpenSSL 3.0 has only SHA-3.
package enum Keccak256 {
  package static let byteCount = 32
  /// Bytes absorbed by one permutation: 1600 bits less twice the digest.
  private static let rate = 136

  package static func hash(_ message: some Collection<UInt8>) -> [UInt8] {
    var padded = Array(message)
    padded.append(0x01)
    while padded.count % self.rate != 0 { padded.append(0) }
    padded[padded.count - 1] |= 0x80
    var state = InlineArray<25, UInt64>(repeating: 0)
    for block in stride(from: 0, to: padded.count, by: self.rate) {
      for lane in 0..<self.rate / 8 {
        var word: UInt64 = 0
        for byte in (0..<8).reversed() { word = word << 8 | UInt64(padded[block + lane * 8 + byte]) }
        state[lane] ^= word
      }
      self.permute(&state)
    }
    return (0..<self.byteCount).map { UInt8(truncatingIfNeeded: state[$0 / 8] >> UInt64($0 % 8 * 8)) }
  }

  /// Keccak-f[1600] (FIPS 202 §3.3), lanes in the order `x + 5y`.
  private static func permute(_ state: inout InlineArray<25, UInt64>) {
    var column = InlineArray<5, UInt64>(repeating: 0)
    for constant in self.roundConstants {
      // θ
      for x in 0..<5 { column[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] }
      for x in 0..<5 {
        let parity = column[(x + 4) % 5] ^ self.rotate(column[(x + 1) % 5], 1)
        for y in 0..<5 { state[x + 5 * y] ^= parity }
      }
      // ρ and π: the lanes move along one cycle.
      var lane = state[1]
      for step in 0..<24 {
        let target = self.laneOrder[step]
        let next = state[target]
        state[target] = self.rotate(lane, self.rotations[step])
        lane = next
      }
      // χ
      for y in 0..<5 {
        for x in 0..<5 { column[x] = state[x + 5 * y] }
        for x in 0..<5 { state[x + 5 * y] = column[x] ^ (~column[(x + 1) % 5] & column[(x + 2) % 5]) }
      }
      // ι
      state[0] ^= constant
    }
  }

  private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
    word << count | word >> (64 - count)
  }

  private static let rotations: [UInt64] = [
    1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
  ]
  private static let laneOrder = [
    10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
  ]
  private static let roundConstants: [UInt64] = [
    0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808A, 0x8000_0000_8000_8000,
    0x0000_0000_0000_808B, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
    0x0000_0000_0000_008A, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000A,
    0x0000_0000_8000_808B, 0x8000_0000_0000_008B, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
    0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800A, 0x8000_0000_8000_000A,
    0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
  ]
}
