private import CCrypt
internal import Digest
internal import Gate

/// What stands in `shadow` for a password (crypt(5)).
struct PasswordHash {
  let text: String

  /// No password will do, and a key still does; a `!` would refuse the key too where there is no PAM.
  static let none = PasswordHash(stored: "*")

  /// As a `shadow` of ours has it.
  init(stored text: String) { self.text = text }

  /// SHA-512 with 1 000 rounds, the fewest: passwords here are made of 120 random bits, which no number of
  /// rounds makes harder to guess, and each login would pay for them.
  ///
  /// Nil for a text that the C library does not take.
  init?(of password: WorkloadPassword) {
    let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    let salt = String(decoding: RandomBytes.make(count: 16).map { alphabet[Int($0 & 63)] }, as: UTF8.self)
    // About 32 KiB: too much for a stack that is not ours to choose.
    let room = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    defer { unsafe room.deallocate() }
    unsafe room.initialize(to: crypt_data())
    guard let hash = unsafe crypt_r(password.text, "$6$rounds=1000$\(salt)$", room) else { return nil }
    let text = unsafe String(cString: hash)
    guard text.hasPrefix("$6$") else { return nil }
    self.text = text
  }
}
