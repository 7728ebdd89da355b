internal import Octets

/// One payment, made from the bytes it is made of (design §5), so that it is the same however often it is presented.
///
/// Not a secret: it is shown to the payer, in logs and in lists.
public struct PaymentID: Hashable, Sendable, CustomStringConvertible {
  /// Lower-case hex.
  public let text: String

  public init(_ text: String) { self.text = text }
  public var description: String { self.text }
}

/// What must never be spent twice: for Cashu one per proof (`Y`, NUT-00), for EIP-3009 the nonce in its domain.
public struct Nullifier: Hashable, Sendable {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// A grant's row, and so the serial number of every pass, cookie and payment that bears it. 16 bytes.
public struct Serial: Hashable, Sendable, CustomStringConvertible {
  public static let byteCount = 16

  public let number: UInt128

  public init(_ number: UInt128) { self.number = number }

  public init(_ bytes: [UInt8]) {
    precondition(bytes.count == Self.byteCount, "A serial has 16 bytes.")
    self.number = UInt128(bigEndianBytes: bytes)
  }

  public var bytes: [UInt8] { self.number.bigEndianBytes }
  public var description: String { Hex.encode(self.bytes) }
}

/// A running process of ours; rows in flight carry it, so that the rows of a dead one can be told.
public struct Owner: Hashable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }
}

/// The scheme a payment is made with.
public struct PaymentMethod: Hashable, Sendable, CustomStringConvertible {
  public let name: String

  public init(_ name: String) { self.name = name }
  public var description: String { self.name }

  public static let cashu = PaymentMethod("cashu")
  public static let x402 = PaymentMethod("x402")
  public static let lightning = PaymentMethod("lightning")
}

/// A route's name in passes and rows: the config's `id:`, else made from its host, pattern, methods and tier.
public struct RouteID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }
  public var description: String { self.text }
}
