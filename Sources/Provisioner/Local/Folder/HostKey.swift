private import COpenSSL
internal import Digest
internal import Octets

/// An Ed25519 host key in the forms that OpenSSH reads (PROTOCOL.key, RFC 8709).
struct HostKey {
  /// `ssh-ed25519 AAAA…`, as in `known_hosts`.
  let publicText: String
  /// The private key's file: a secret.
  let privateText: String

  private static let kind = "ssh-ed25519"

  static func make() -> HostKey {
    HostKey(seed: RandomBytes.make(count: 32), check: RandomBytes.make(count: 4))
  }

  /// - Parameters:
  ///   - seed: the private key of RFC 8032 §5.1.5, 32 bytes.
  ///   - check: four bytes that the file holds twice; with a passphrase they would tell a wrong one.
  init(seed: [UInt8], check: [UInt8]) {
    let publicKey = Self.publicKey(of: seed)
    let blob = Self.string(Self.kind) + Self.string(publicKey)
    self.publicText = "\(Self.kind) \(Base64.encode(blob))"

    var secret = check + check + blob + Self.string(seed + publicKey) + Self.string("")
    for padding in UInt8(1)...8 where secret.count % 8 != 0 { secret.append(padding) }
    let file =
      Array("openssh-key-v1\0".utf8) + Self.string("none") + Self.string("none") + Self.string("")
      + [0, 0, 0, 1] + Self.string(blob) + Self.string(secret)
    let text = Array(Base64.encode(file))
    let lines = stride(from: 0, to: text.count, by: 70).map {
      String(text[$0..<min($0 + 70, text.count)])
    }
    self.privateText = """
      -----BEGIN OPENSSH PRIVATE KEY-----
      \(lines.joined(separator: "\n"))
      -----END OPENSSH PRIVATE KEY-----

      """
  }

  private static func publicKey(of seed: [UInt8]) -> [UInt8] {
    precondition(seed.count == 32, "an Ed25519 seed has 32 bytes")
    let key = unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count)
    defer { unsafe EVP_PKEY_free(key) }
    var out = [UInt8](repeating: 0, count: 32)
    var count = out.count
    let done = unsafe EVP_PKEY_get_raw_public_key(key, &out, &count)
    precondition(done == 1 && count == 32, "OpenSSL makes no Ed25519 key")
    return out
  }

  /// RFC 4251 §5: a length of four bytes, then the bytes.
  private static func string(_ bytes: [UInt8]) -> [UInt8] {
    let count = UInt32(bytes.count)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + bytes
  }

  private static func string(_ text: String) -> [UInt8] { self.string(Array(text.utf8)) }
}
