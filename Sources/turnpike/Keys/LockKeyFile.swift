internal import Cashu
internal import Octets

/// `lock-1`, `lock-2`, …: a key each that payers lock ecash to, 32 bytes in hexadecimal.
///
/// To change the key, put the next number's file on every replica and start them again: the highest number is asked for,
/// all of them are accepted and redeemed. Take an old one away when nothing locked to it can come any more.
enum LockKeyFile {
  /// More than years of a change a month.
  static let maxKeys = 64

  static func name(of number: UInt32) -> String { "lock-\(number)" }

  /// Nil for other files of the directory.
  static func number(of name: String) -> UInt32? {
    guard name.hasPrefix("lock-"), let number = UInt32(name.dropFirst(5)), number > 0,
      self.name(of: number) == name
    else { return nil }
    return number
  }

  static func fresh() -> String {
    """
    # Turnpike lock key. Offline ecash is locked to it until it is redeemed: back it up. Secret.
    \(Hex.encode(LockKey.random().exportBytes()))

    """
  }

  static func key(in text: String, _ name: String) throws(KeysFault) -> LockKey {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") && !$0.isEmpty }
    guard lines.count == 1, let bytes = Hex.decode(String(lines[0])), let key = LockKey(bytes) else {
      throw KeysFault(name, "holds no private key of 32 bytes in hexadecimal")
    }
    return key
  }
}
