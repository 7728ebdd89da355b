internal import Octets

/// Reads the serialised forms of a token (NUT-00).
package enum TokenReader {
  /// The longest text of a token, in bytes.
  ///
  /// NUT-00 sets no bound. The longest form of 32 proofs, V3 with DLEQ, is 19.7 KiB (617 characters each with
  /// Nutshell's wallet); the rest is room for a memo.
  package static let maxTokenBytes = 24 * 1024

  /// `text` is `cashuA…` (V3) or `cashuB…` (V4), with or without the URI scheme `cashu:`.
  package static func read(_ text: some Collection<UInt8>) throws(TokenFault) -> UnverifiedToken {
    guard text.count <= self.maxTokenBytes else { throw .tooLong }
    var rest = Array(text)[...]
    if rest.starts(with: "cashu:".utf8) { rest = rest.dropFirst(6) }
    let prefix = rest.prefix(6)
    rest = rest.dropFirst(6)
    if prefix.elementsEqual("cashuA".utf8) { return try TokenV3.read(try self.decode(rest)) }
    if prefix.elementsEqual("cashuB".utf8) { return try TokenV4.read(try self.decode(rest)) }
    throw .notAToken
  }

  /// The binary form: `craw`, the version `B`, then CBOR (NUT-00, "Raw Token Serialization").
  package static func readRaw(_ bytes: [UInt8]) throws(TokenFault) -> UnverifiedToken {
    guard bytes.count <= self.maxTokenBytes else { throw .tooLong }
    guard bytes.starts(with: "crawB".utf8) else { throw .notAToken }
    return try TokenV4.read(Array(bytes.dropFirst(5)))
  }

  /// Wallets write the URL-safe alphabet, padded or not; older ones wrote the standard one.
  private static func decode(_ text: ArraySlice<UInt8>) throws(TokenFault) -> [UInt8] {
    guard let bytes = Base64.decodeURL(text) ?? Base64.decode(text) else { throw .notBase64 }
    return bytes
  }
}

/// The forms of a token to be sent on (NUT-00).
package enum TokenWriter {
  package static func writeV4(_ token: UnverifiedToken) -> String? {
    TokenV4.write(token).map { "cashuB" + Base64.encodeURL($0) }
  }

  package static func writeRaw(_ token: UnverifiedToken) -> [UInt8]? {
    TokenV4.write(token).map { Array("crawB".utf8) + $0 }
  }

  package static func writeV3(_ token: UnverifiedToken) -> String {
    "cashuA" + Base64.encodeURL(TokenV3.write(token))
  }
}
