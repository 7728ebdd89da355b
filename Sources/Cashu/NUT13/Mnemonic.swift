internal import Digest

/// The words a person writes down (BIP39), as far as the way to the seed.
package enum Mnemonic {
  /// 64 bytes. The words are used as given: English ones need no normalisation.
  package static func seed(words: String, passphrase: String = "") -> [UInt8] {
    PBKDF2SHA512.derive(
      password: Array(words.utf8), salt: Array(("mnemonic" + passphrase).utf8), rounds: 2048, byteCount: 64
    )
  }
}
