public import Octets

/// A key that signs passes; the gate itself holds no cryptography.
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
