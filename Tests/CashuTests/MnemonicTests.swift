@testable import Cashu
import Digest
import Octets
import Testing

@Suite("BIP39: the words of the seed")
struct MnemonicTests {
  /// The reference vectors of the BIP (trezor/python-mnemonic, vectors.json; passphrase TREZOR).
  static let vectors: [(entropy: String, words: String, seed: String)] = [
    (
      "00000000000000000000000000000000",
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
      "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"
    ),
    (
      "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
      "legal winner thank year wave sausage worth useful legal winner thank yellow",
      "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607"
    ),
    (
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
      "dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad"
    ),
  ]

  @Test("entropy makes the words of the reference, and they its seed", arguments: Self.vectors)
  func reference(entropy: String, words: String, seed: String) throws {
    let length = try #require(Mnemonic.Length(rawValue: words.split(separator: " ").count))
    #expect(Mnemonic(entropy: try #require(Hex.decode(entropy)), length).phrase == words)
    #expect(try Mnemonic(words).phrase == words)
    #expect(Hex.encode(Mnemonic.seed(words: words, passphrase: "TREZOR")) == seed)
  }

  @Test("the list is the BIP's, word for word")
  func list() {
    let file = EnglishWords.all.map { $0 + "\n" }.joined()
    #expect(
      Hex.encode(SHA256.hash(Array(file.utf8)))
        == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
  }

  @Test(
    "fresh words of every length are read back, in any case and spacing", arguments: Mnemonic.Length.allCases)
  func fresh(length: Mnemonic.Length) throws {
    let fresh = Mnemonic.random(length)
    #expect(fresh.words.count == length.rawValue)
    let typed = fresh.words.map { $0.uppercased() }.joined(separator: "  \n")
    #expect(try Mnemonic(typed).phrase == fresh.phrase)
    #expect(Mnemonic.random(length).phrase != fresh.phrase)
  }

  @Test("a wrong count, a word off the list and two words that changed places are told apart")
  func faults() {
    let words = Self.vectors[1].words
    #expect(throws: Mnemonic.Fault.wordCount(11)) {
      try Mnemonic(words.split(separator: " ").dropLast().joined(separator: " "))
    }
    #expect(throws: Mnemonic.Fault.unknownWord(place: 2)) {
      try Mnemonic(words.replacing("legal winner thank year", with: "legal vinner thank year"))
    }
    #expect(throws: Mnemonic.Fault.checksum) {
      try Mnemonic(words.replacing("thank year", with: "year thank"))
    }
  }

  @Test("words do not show themselves")
  func redacted() { #expect("\(Mnemonic.random())" == "<redacted>") }
}
