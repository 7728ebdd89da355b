internal import Digest
internal import Gate
internal import Octets

/// `pass-keys`: one key a line, its id and 32 bytes in hexadecimal. The last line signs, all of them check.
///
/// To change the key, put the new line above the last in every replica, then move it to the end, then, when the passes
/// of the old key have ended, take that line out.
struct PassKeyFile {
  private static let keyBytes = 32
  /// More would only slow the check of a forged pass.
  private static let maxKeys = 64

  private let keys: [(id: UInt32, key: HMACKey)]

  static func fresh() -> String {
    """
    # Turnpike pass keys: ID KEY. The last line signs new passes, every line checks old ones. Secret.
    1 \(Hex.encode(RandomBytes.make(count: self.keyBytes)))

    """
  }

  init(text: String) throws(KeysFault) {
    var keys: [(id: UInt32, key: HMACKey)] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let words = line.split { $0 == " " || $0 == "\t" }
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      let place = "line \(index + 1)"
      guard words.count == 2, let id = UInt32(first), id > 0, let bytes = Hex.decode(String(words[1])),
        bytes.count == Self.keyBytes
      else { throw Self.fault("\(place) is no id above 0 and 32 bytes in hexadecimal") }
      guard !keys.contains(where: { $0.id == id }) else {
        throw Self.fault("\(place) has the id of another line")
      }
      keys.append((id, HMACKey(bytes)))
    }
    guard !keys.isEmpty else { throw Self.fault("holds no key") }
    guard keys.count <= Self.maxKeys else { throw Self.fault("holds more than \(Self.maxKeys) keys") }
    self.keys = keys
  }

  var passKeys: PassKeys {
    let all = self.keys.map { PassKey(id: $0.id, authenticator: $0.key) }
    guard let active = all.last else { preconditionFailure("A file of pass keys holds one or more.") }
    return PassKeys(active: active, retiring: all.dropLast())
  }

  /// Eight bytes each that tell two keys apart and reveal neither.
  var fingerprints: [UInt32: String] {
    let message = Array("Turnpike pass key fingerprint".utf8)
    let pairs = self.keys.map { ($0.id, Hex.encode($0.key.authenticate(message).prefix(8))) }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  private static func fault(_ reason: String) -> KeysFault { KeysFault(KeyFileName.passKeys, reason) }
}
