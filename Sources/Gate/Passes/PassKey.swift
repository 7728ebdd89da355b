/// Signs and checks messages with one secret key (HMAC-SHA-256, RFC 2104); the gate itself holds no cryptography.
public protocol MessageAuthenticator: Sendable {
  /// 32 bytes.
  func code(for message: ArraySlice<UInt8>) -> [UInt8]
  /// Compares in constant time.
  func isAuthentic(_ message: ArraySlice<UInt8>, code: ArraySlice<UInt8>) -> Bool
}

/// A key that signs passes.
public struct PassKey: Sendable {
  public var id: UInt32
  public var authenticator: any MessageAuthenticator

  public init(id: UInt32, authenticator: any MessageAuthenticator) {
    self.id = id
    self.authenticator = authenticator
  }
}

/// The keys in use: one signs, all of them check, so that a key can be changed while its passes live.
public struct PassKeys: Sendable {
  public let active: PassKey
  private let all: [PassKey]

  public init(active: PassKey, retiring: [PassKey] = []) {
    self.active = active
    self.all = [active] + retiring
  }

  func key(_ id: UInt32) -> PassKey? { self.all.first { $0.id == id } }
}
