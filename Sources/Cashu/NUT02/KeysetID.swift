internal import Octets

/// The full identifier of a keyset (NUT-02): eight bytes that begin with 00, or 33 that begin with 01.
package struct KeysetID: Sendable, Hashable, CustomStringConvertible {
  package enum Version: UInt8, Sendable {
    case v1 = 0
    case v2 = 1

    var byteCount: Int {
      switch self {
      case .v1: 8
      case .v2: 33
      }
    }
  }

  package let bytes: [UInt8]
  package let version: Version

  package init?(_ bytes: [UInt8]) {
    guard let version = bytes.first.flatMap(Version.init(rawValue:)), bytes.count == version.byteCount else {
      return nil
    }
    self.bytes = bytes
    self.version = version
  }

  package init?(hex: String) {
    guard let bytes = Hex.decode(hex) else { return nil }
    self.init(bytes)
  }

  package var description: String { Hex.encode(self.bytes) }

  /// What a V4 token writes: the first eight bytes (NUT-02, "Short keyset ID"); the whole of a version 1 id.
  package var short: [UInt8] { Array(self.bytes.prefix(8)) }

  /// The number NUT-13 puts into a version 1 path: the id, big-endian, modulo 2³¹ − 1.
  var integer: UInt32 {
    UInt32(self.bytes.reduce(UInt64(0)) { ($0 << 8 | UInt64($1)) % 2_147_483_647 })
  }
}

/// A keyset as a token names it: not yet looked up, perhaps only by its first bytes.
package enum KeysetReference: Sendable, Hashable {
  case full(KeysetID)
  case short([UInt8])

  package init?(_ bytes: [UInt8]) {
    if let id = KeysetID(bytes) {
      self = .full(id)
    } else if bytes.count == 8, bytes.first == KeysetID.Version.v2.rawValue {
      self = .short(bytes)
    } else {
      return nil
    }
  }

  /// As named.
  var bytes: [UInt8] {
    switch self {
    case .full(let id): id.bytes
    case .short(let bytes): bytes
    }
  }

  /// As a V4 token writes it.
  var short: [UInt8] {
    switch self {
    case .full(let id): id.short
    case .short(let bytes): bytes
    }
  }

  package func matches(_ id: KeysetID) -> Bool {
    switch self {
    case .full(let full): full == id
    case .short(let short): id.version == .v2 && id.short == short
    }
  }
}
