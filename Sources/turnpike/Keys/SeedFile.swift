internal import Cashu
internal import Octets

/// `treasury-seed`: 64 bytes in hexadecimal, or the words of a BIP39 mnemonic in English, from which they follow.
enum SeedFile {
  private static let wordCounts = [12, 15, 18, 21, 24]

  static func fresh() -> String {
    """
    # Turnpike treasury seed. All ecash this store redeems is derived from it: back it up. Secret.
    \(Hex.encode(TreasurySeed.random().exportBytes()))

    """
  }

  static func seed(in text: String) throws(KeysFault) -> TreasurySeed {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    let words = lines.flatMap { $0.split { $0 == " " || $0 == "\t" } }.map(String.init)
    if words.count == 1, let bytes = Hex.decode(words[0]), let seed = TreasurySeed(bytes) { return seed }
    if self.wordCounts.contains(words.count), words.allSatisfy(self.isWord),
      let seed = TreasurySeed(Mnemonic.seed(words: words.joined(separator: " ")))
    {
      return seed
    }
    throw KeysFault(
      KeysDirectory.treasurySeedName,
      "holds neither 64 bytes in hexadecimal nor 12, 15, 18, 21 or 24 English words")
  }

  /// BIP39's English words have 3 to 8 small letters.
  private static func isWord(_ word: String) -> Bool {
    (3...8).contains(word.utf8.count) && word.utf8.allSatisfy { 0x61...0x7A ~= $0 }
  }
}
