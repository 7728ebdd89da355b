internal import Digest

/// The words a person writes down (BIP39), and the way from them to the seed.
package struct Mnemonic: Sendable, CustomStringConvertible {
  /// How many words: three for each 32 bits of entropy, and one bit of checksum for each three.
  package enum Length: Int, Sendable, CaseIterable {
    case twelve = 12
    case fifteen = 15
    case eighteen = 18
    case twentyOne = 21
    case twentyFour = 24

    var entropyBytes: Int { self.rawValue / 3 * 4 }
  }

  package enum Fault: Error, Sendable, Equatable {
    case wordCount(Int)
    /// The place of a word that is not on the list, from 1.
    case unknownWord(place: Int)
    /// A word is another one, or two changed places.
    case checksum
  }

  /// Secret.
  package let words: [String]

  package var description: String { "<redacted>" }

  /// In one line, with single spaces, as they are hashed.
  package var phrase: String { self.words.joined(separator: " ") }

  package static func random(_ length: Length = .twentyFour) -> Mnemonic {
    Mnemonic(entropy: RandomBytes.make(count: length.entropyBytes), length)
  }

  init(entropy: [UInt8], _ length: Length) {
    precondition(entropy.count == length.entropyBytes, "each length has its entropy")
    // Eleven bits a word; at most eight bits of checksum follow the entropy.
    let bytes = entropy + SHA256.hash(entropy).prefix(1)
    self.words = (0..<length.rawValue).map { index in
      EnglishWords.all[Self.bits(bytes, from: index * 11, count: 11)]
    }
  }

  /// Words as a person typed them: in any case, apart by any space.
  package init(_ text: String) throws(Fault) {
    let words = text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
    guard let length = Length(rawValue: words.count) else { throw .wordCount(words.count) }
    var bytes: [UInt8] = []
    var (buffer, bufferedBits) = (0, 0)
    for (index, word) in words.enumerated() {
      guard let place = EnglishWords.places[word] else { throw .unknownWord(place: index + 1) }
      (buffer, bufferedBits) = ((buffer << 11 | place) & 0x3FFFF, bufferedBits + 11)
      while bufferedBits >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: buffer >> (bufferedBits - 8)))
        bufferedBits -= 8
      }
    }
    let entropy = Array(bytes.prefix(length.entropyBytes))
    guard Mnemonic(entropy: entropy, length).words == words else { throw .checksum }
    self.words = words
  }

  private static func bits(_ bytes: [UInt8], from start: Int, count: Int) -> Int {
    (start..<start + count).reduce(0) { $0 << 1 | Int(bytes[$1 / 8] >> UInt8(7 - $1 % 8) & 1) }
  }

  package var seed: TreasurySeed {
    guard let seed = TreasurySeed(Self.seed(words: self.phrase)) else {
      preconditionFailure("words make 64 bytes")
    }
    return seed
  }

  /// 64 bytes. The words are used as given: English ones need no normalisation.
  package static func seed(words: String, passphrase: String = "") -> [UInt8] {
    PBKDF2SHA512.derive(
      password: Array(words.utf8), salt: Array(("mnemonic" + passphrase).utf8), rounds: 2048, byteCount: 64
    )
  }
}
