@testable import Cashu
import Digest
import Gate
import JSON
import Octets
import Secp256k1
import Testing

@Suite("NUT-11: locks to a key")
struct NUT11Tests {
  static let file = "nuts/11-test.md"

  @Test("the official SIG_INPUTS proofs: the good signature holds, the others do not")
  func vectors() throws {
    let section = try Vectors.section(Self.file, "SIG_INPUTS")
    let good = try Self.signature(section.blocks[0])
    #expect(Curve.shared.isSignature(good.signature, of: good.hash, by: good.lock.xOnly))
    let bad = try Self.signature(section.blocks[1])
    #expect(!Curve.shared.isSignature(bad.signature, of: bad.hash, by: bad.lock.xOnly))
  }

  private static func signature(_ block: String) throws
    -> (signature: [UInt8], hash: [UInt8], lock: PayeeLock)
  {
    let proof = try Vectors.json(block)
    let secret = Secret(try #require(proof["secret"]?.string))
    let witness = try Vectors.json(try #require(proof["witness"]?.string))
    let text = try #require(witness["signatures"]?.array?.first?.string)
    return (try Vectors.bytes(text), SHA256.hash(secret.utf8), try #require(PayeeLock(secret)))
  }

  @Test("our witness is a signature by our key, the same each time, and not by another key")
  func witness() throws {
    let key = LockKey.random()
    let secret = Lock(key).secret()
    let text = key.witness(for: secret)
    #expect(text == key.witness(for: secret))
    let signature = try #require(
      try Vectors.json(text)["signatures"]?.array?.first?.string.flatMap { Hex.decode($0) })
    let hash = SHA256.hash(secret.utf8)
    #expect(Curve.shared.isSignature(signature, of: hash, by: key.xOnly))
    #expect(!Curve.shared.isSignature(signature, of: hash, by: LockKey.random().xOnly))
    #expect(!Curve.shared.isSignature(signature, of: SHA256.hash([]), by: key.xOnly))
  }

  @Test("a lock key is 32 bytes below the order, and never shown")
  func key() throws {
    #expect(LockKey([UInt8](repeating: 0, count: 32)) == nil)
    #expect(LockKey([UInt8](repeating: 1, count: 31)) == nil)
    let key = try #require(LockKey([UInt8](repeating: 1, count: 32)))
    #expect(
      Hex.encode(key.compressed) == "031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f")
    #expect(key.fingerprint == "1b84c5567b126440")
    #expect("\(key)" == "<redacted>")
    #expect(LockKey(key.exportBytes())?.compressed == key.compressed)
  }

  @Test("a stock wallet's secret is read: spaces, its order of members, locktime and sigflag")
  func stock() throws {
    let key = LockKey.random()
    let text = """
      ["P2PK", {"data": "\(Hex.encode(key.compressed))", "nonce": "d4a1", \
      "tags": [["locktime", "1800086400"], ["sigflag", "SIG_INPUTS"]]}]
      """
    let lock = try #require(PayeeLock(Secret(text)))
    #expect(lock.xOnly == key.xOnly)
    #expect(lock.locktime == Timestamp(seconds: 1_800_086_400))
  }

  @Test("a lock needs a nonce, or two of them would be one proof")
  func nonce() {
    let lock = Lock(LockKey.random())
    #expect(PayeeLock(lock.secret()) != nil)
    #expect(PayeeLock(lock.with { $0.nonceLength = 0 }.secret()) == nil)
  }

  @Test(
    "a plain secret is no condition; whatever some parser might take for one is",
    arguments: [
      ("9a6dbb847bd232ba76db0df197216b29d3b8cc14553cd27827fc1cc942fedb4e", false), ("aGVsbG8+/w==", false),
      ("P2PK", false), ("[\"P2PK\",{}]", true), (" \n\t[", true), ("\u{FEFF}[\"P2PK\"", true),
      ("\u{A0}[1", true), ("{\"P2PK\":1,\"x\":2}", true), ("[", true),
    ])
  func shape(text: String, isCondition: Bool) {
    #expect((SpendingCondition(of: Secret(text)) != .none) == isCondition)
  }
}

/// A P2PK secret as a payer writes it, with whatever is wrong about it.
struct Lock: Sendable {
  static let now: Int64 = 1_800_000_000

  var kind = "\"P2PK\""
  var key: String
  /// JSON; nil for none.
  var tags: String? = "[[\"sigflag\",\"SIG_INPUTS\"]]"
  /// JSON members before `tags`.
  var extra = ""
  var nonceLength = 64
  var tail = ""

  init(_ key: LockKey, tags: String? = "[[\"sigflag\",\"SIG_INPUTS\"]]") {
    self.key = Hex.encode(key.compressed)
    self.tags = tags
  }

  func with(_ change: (inout Lock) -> Void) -> Lock {
    var lock = self
    change(&lock)
    return lock
  }

  func secret() -> Secret {
    let nonce = Hex.encode(RandomBytes.make(count: (self.nonceLength + 1) / 2)).prefix(self.nonceLength)
    let tags = self.tags.map { ",\"tags\":\($0)" } ?? ""
    return Secret(
      "[\(self.kind),{\"nonce\":\"\(nonce)\",\"data\":\"\(self.key)\"\(self.extra)\(tags)}]\(self.tail)")
  }
}
