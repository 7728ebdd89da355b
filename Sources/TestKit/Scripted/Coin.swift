internal import Octets

/// A coin as it is offered.
public struct Coin: Hashable, Sendable {
  public var name: String
  public var value: UInt64

  public init(name: String, value: UInt64) {
    self.name = name
    self.value = value
  }

  init?(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: ASCII.equals)
    guard parts.count == 2, let value = UInt64(String(decoding: parts[1], as: UTF8.self)) else { return nil }
    self.init(name: String(decoding: parts[0], as: UTF8.self), value: value)
  }

  /// The header value that offers it.
  public var offer: String { "\(self.name)=\(self.value)" }
}
