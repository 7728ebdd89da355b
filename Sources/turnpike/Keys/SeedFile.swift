internal import Cashu
internal import Octets

/// `treasury-seed`: the words of a BIP39 mnemonic in English, or 64 bytes in hexadecimal.
enum SeedFile {
  static func fresh() -> String {
    """
    # Turnpike treasury seed. All ecash this store redeems is derived from it: write the words down. Secret.
    \(Mnemonic.random().phrase)

    """
  }

  static func seed(in text: String) throws(KeysFault) -> TreasurySeed {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    let line = lines.joined(separator: " ")
    let words = line.split(whereSeparator: \.isWhitespace)
    if words.count == 1, let bytes = Hex.decode(String(words[0])), let seed = TreasurySeed(bytes) {
      return seed
    }
    do throws(Mnemonic.Fault) {
      return try Mnemonic(line).seed
    } catch {
      throw KeysFault(KeyFileName.treasurySeed, Self.sentence(error))
    }
  }

  /// Names no word.
  private static func sentence(_ fault: Mnemonic.Fault) -> String {
    switch fault {
    case .wordCount: "holds neither 12, 15, 18, 21 or 24 English words nor 64 bytes in hexadecimal"
    case .unknownWord(let place): "is mistyped: word \(place) is none of BIP39's English words"
    case .checksum: "is mistyped: a word is another one, or two changed places (BIP39 checksum)"
    }
  }
}
