import Digest
import Octets
import Testing

@Suite("Digests")
struct DigestTests {
  @Test(
    "SHA-256 gives the answers of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func sha256(text: String, expected: String) {
    #expect(Hex.encode(SHA256.hash(Array(text.utf8))) == expected)
  }

  @Test("pieces give the same digest as the whole")
  func pieces() {
    var hasher = SHA256()
    hasher.update(Array("ab".utf8))
    let copy = hasher
    hasher.update("c")
    #expect(Array(hasher.finish()) == SHA256.hash(Array("abc".utf8)))
    #expect(Array(copy.finish()) == SHA256.hash(Array("ab".utf8)))
  }

  struct HMACVector: Sendable {
    var key: [UInt8]
    var message: String
    var sha256: String
    var sha512: String
  }

  /// RFC 4231 §4.2, §4.3 and §4.7 (a key longer than a block).
  static let hmacVectors: [HMACVector] = [
    HMACVector(
      key: [UInt8](repeating: 0x0b, count: 20),
      message: "Hi There",
      sha256: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      sha512: """
        87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
        daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
        """
    ),
    HMACVector(
      key: Array("Jefe".utf8),
      message: "what do ya want for nothing?",
      sha256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      sha512: """
        164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
        9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737
        """
    ),
    HMACVector(
      key: [UInt8](repeating: 0xaa, count: 131),
      message: "Test Using Larger Than Block-Size Key - Hash Key First",
      sha256: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      sha512: """
        80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
        6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598
        """
    ),
  ]

  @Test("HMAC-SHA-256 and HMAC-SHA-512 give the answers of RFC 4231", arguments: Self.hmacVectors)
  func hmac(vector: HMACVector) {
    let message = Array(vector.message.utf8)
    #expect(Hex.encode(HMACKey(vector.key).authenticate(message)) == vector.sha256)
    #expect(Hex.encode(HMACSHA512.authenticate(message, key: vector.key)) == vector.sha512)
  }

  @Test("an authenticator is accepted whole, and not with a bit changed, shorter or longer")
  func verify() {
    let key = HMACKey(Array("key".utf8))
    let message = Array("message".utf8)
    let authenticator = key.authenticate(message)
    var changed = authenticator
    changed[31] ^= 1
    let tooShort = Array(authenticator.prefix(31))
    let tooLong = authenticator + [0]
    let other = Array("messagf".utf8)
    #expect(key.verify(message: message, authenticator: authenticator))
    #expect(!key.verify(message: message, authenticator: changed))
    #expect(!key.verify(message: message, authenticator: tooShort))
    #expect(!key.verify(message: message, authenticator: tooLong))
    #expect(!key.verify(message: other, authenticator: authenticator))
    #expect(!HMACKey(Array("kez".utf8)).verify(message: message, authenticator: authenticator))
  }

  @Test("a key says nothing of itself")
  func redacted() {
    #expect("\(HMACKey(Array("key".utf8)))" == "<redacted>")
  }

  /// BIP39 test vector 1 of trezor/python-mnemonic, passphrase TREZOR.
  @Test("PBKDF2 with SHA-512 makes the seed of BIP39")
  func pbkdf2() {
    let words = String(repeating: "abandon ", count: 11) + "about"
    let seed = PBKDF2SHA512.derive(
      password: Array(words.utf8), salt: Array("mnemonicTREZOR".utf8), rounds: 2048, byteCount: 64
    )
    #expect(
      Hex.encode(seed)
        == "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf"
        + "141630c7a3c4ab7c81b2f001698e7463b04"
    )
  }

  @Test("random bytes have the length asked for and do not repeat")
  func random() {
    #expect(RandomBytes.make(count: 0).isEmpty)
    #expect(RandomBytes.make(count: 32).count == 32)
    #expect(RandomBytes.make(count: 32) != RandomBytes.make(count: 32))
  }
}
