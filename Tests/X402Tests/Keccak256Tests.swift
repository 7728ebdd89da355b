import Octets
import Testing
import X402

@Suite("Keccak-256")
struct Keccak256Tests {
  /// Of the Keccak team's own test values, and of names whose hash every Ethereum library carries.
  @Test(
    "a message has the hash that Ethereum gives it",
    arguments: [
      ("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
      ("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
      (
        "The quick brown fox jumps over the lazy dog",
        "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"
      ),
      (
        "Transfer(address,address,uint256)",
        "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
      ),
    ])
  func known(message: String, hash: String) {
    #expect(Hex.encode(Keccak256.hash(message.utf8)) == hash)
  }

  @Test("a message that fills a block, or all of it but one byte, is padded as the others")
  func blocks() {
    let hashes = [134, 135, 136, 137, 272].map {
      Hex.encode(Keccak256.hash([UInt8](repeating: 0x61, count: $0)))
    }
    #expect(hashes == Self.blockHashes)
  }

  /// Made with eth-hash (pycryptodome), an implementation of others.
  static let blockHashes = [
    "e5de5653994e2fa6729d329b65b5f332dee942a7ea54515e173824c232a4ff91",
    "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446",
    "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e",
    "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39",
    "cf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8",
  ]
}
