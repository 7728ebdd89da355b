internal import COpenSSL

/// HMAC with SHA-512 (RFC 2104): key derivation of BIP32; never on the hot path.
package enum HMACSHA512 {
  package static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    let done = unsafe HMAC(EVP_sha512(), key, Int32(key.count), message, message.count, &out, &count)
    precondition(unsafe done != nil && count == 64, "HMAC-SHA-512 is not available")
    return out
  }
}

/// PBKDF2 with HMAC-SHA-512 (RFC 8018 §5.2): the way from a mnemonic to a seed in BIP39.
package enum PBKDF2SHA512 {
  package static func derive(password: [UInt8], salt: [UInt8], rounds: Int32, byteCount: Int) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: byteCount)
    let done = unsafe password.withUnsafeBytes { secret in
      unsafe PKCS5_PBKDF2_HMAC(
        secret.bindMemory(to: CChar.self).baseAddress, Int32(password.count), salt, Int32(salt.count), rounds,
        EVP_sha512(), Int32(byteCount), &out
      )
    }
    precondition(done == 1, "PBKDF2 is not available")
    return out
  }
}
