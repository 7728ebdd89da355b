internal import Octets

/// Whom limits count: an IPv4 address, or an IPv6 network of 64 bits (one household has 2^64 addresses).
public struct ClientAddress: Hashable, Sendable {
  private enum Form: Hashable, Sendable {
    case v4(UInt32)
    case v6(UInt64)
  }

  private let form: Form

  private init(form: Form) { self.form = form }

  /// From 4 or 16 bytes in network order; an IPv4-mapped address (RFC 4291 §2.5.5.2) counts as IPv4. Nil for any other length.
  public init?(octets: some Collection<UInt8>) {
    let bytes = Array(octets)
    switch bytes.count {
    case 4:
      self.form = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
    case 16 where bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF:
      self.form = .v4(bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
    case 16:
      self.form = .v6(bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) })
    default:
      return nil
    }
  }

  /// From its text form, without port or zone (RFC 4291 §2.2 for IPv6). Nil for anything else.
  public init?(text: some Collection<UInt8>) {
    if let number = IPText.v4Number(text) {
      self.init(form: .v4(number))
      return
    }
    guard let octets = IPText.octets(text) else { return nil }
    self.init(octets: octets)
  }
}

extension ClientAddress: CustomStringConvertible {
  /// `192.0.2.1`, or the network's 16 hexadecimal digits and `/64`.
  public var description: String {
    switch self.form {
    case .v4(let number): number.bigEndianBytes.map { String($0) }.joined(separator: ".")
    case .v6(let network): Hex.encode(network.bigEndianBytes) + "/64"
    }
  }
}

/// Addresses as people write them.
public enum IPText {
  /// 4 or 16 bytes in network order; nil for anything that is not an address.
  public static func octets(_ text: some Collection<UInt8>) -> [UInt8]? {
    text.contains(ASCII.colon) ? self.v6(Array(text)) : self.v4(text)
  }

  private static func v4(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard let number = self.v4Number(text) else { return nil }
    return number.bigEndianBytes
  }

  /// Four numbers below 256, none with a leading zero, as one.
  static func v4Number(_ text: some Collection<UInt8>) -> UInt32? {
    var number: UInt32 = 0
    var part: UInt32?
    var dots = 0
    for character in text {
      if character == ASCII.dot {
        guard let whole = part, dots < 3 else { return nil }
        number = number << 8 | whole
        part = nil
        dots += 1
      } else {
        guard ASCII.isDigit(character), part != 0 else { return nil }
        let value = (part ?? 0) * 10 + UInt32(character - 0x30)
        guard value < 256 else { return nil }
        part = value
      }
    }
    guard dots == 3, let last = part else { return nil }
    return number << 8 | last
  }

  private static func v6(_ text: [UInt8]) -> [UInt8]? {
    guard text.count <= 45 else { return nil }
    var halves: [[UInt8]] = [[]]
    var rest = text[...]
    if rest.starts(with: "::".utf8) {
      halves.append([])
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let group = rest.prefix { $0 != ASCII.colon }
      rest = rest.dropFirst(group.count)
      if group.contains(ASCII.dot) {
        guard rest.isEmpty, let tail = self.v4(group) else { return nil }
        halves[halves.count - 1] += tail
        break
      }
      guard (1...4).contains(group.count) else { return nil }
      var value: UInt16 = 0
      for character in group {
        guard let nibble = Hex.nibble(character) else { return nil }
        value = value << 4 | UInt16(nibble)
      }
      halves[halves.count - 1] += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
      guard !rest.isEmpty else { break }
      rest = rest.dropFirst()
      if rest.first == ASCII.colon {
        guard halves.count == 1 else { return nil }
        halves.append([])
        rest = rest.dropFirst()
      } else if rest.isEmpty {
        return nil
      }
    }
    let count = halves.reduce(0) { $0 + $1.count }
    if halves.count == 1 { return count == 16 ? halves[0] : nil }
    guard count <= 14 else { return nil }
    return halves[0] + [UInt8](repeating: 0, count: 16 - count) + halves[1]
  }
}
