internal import Octets

/// What a payee asks for (NUT-18): `creqA` and base64url of CBOR.
package struct PaymentRequest: Sendable, Equatable {
  package struct Transport: Sendable, Equatable {
    package var kind: String
    package var target: String
    package var tags: [[String]]

    package init(kind: String, target: String, tags: [[String]] = []) {
      self.kind = kind
      self.target = target
      self.tags = tags
    }
  }

  /// A spending condition that the proofs must carry (NUT-10).
  package struct Lock: Sendable, Equatable {
    package var kind: String
    package var data: String
    package var tags: [[String]]

    package init(kind: String, data: String, tags: [[String]] = []) {
      self.kind = kind
      self.data = data
      self.tags = tags
    }
  }

  package var id: String?
  package var amount: UInt64?
  package var unit: String?
  package var isSingleUse: Bool?
  package var mints: [String]
  package var description: String?
  package var transports: [Transport]
  package var lock: Lock?

  package init(
    id: String? = nil, amount: UInt64? = nil, unit: String? = nil, isSingleUse: Bool? = nil,
    mints: [String] = [],
    description: String? = nil, transports: [Transport] = [], lock: Lock? = nil
  ) {
    self.id = id
    self.amount = amount
    self.unit = unit
    self.isSingleUse = isSingleUse
    self.mints = mints
    self.description = description
    self.transports = transports
    self.lock = lock
  }

  private static let prefix = "creqA"

  package func encoded() -> String {
    let transports = self.transports.map { transport in
      CBOR.record([
        "t": .text(transport.kind),
        "a": .text(transport.target),
        "g": transport.tags.isEmpty ? nil : Self.write(transport.tags),
      ])
    }
    let root = CBOR.record([
      "i": self.id.map { .text($0) },
      "a": self.amount.map { .unsigned($0) },
      "u": self.unit.map { .text($0) },
      "s": self.isSingleUse.map { .bool($0) },
      "m": self.mints.isEmpty ? nil : .array(self.mints.map { .text($0) }),
      "d": self.description.map { .text($0) },
      "t": transports.isEmpty ? nil : .array(transports),
      "nut10": self.lock.map { lock in
        .record([
          "k": .text(lock.kind), "d": .text(lock.data), "t": lock.tags.isEmpty ? nil : Self.write(lock.tags),
        ])
      },
    ])
    return Self.prefix + Base64.encodeURL(CBORWriter.write(root))
  }

  package init(decoding text: String) throws(TokenFault) {
    guard text.utf8.count <= TokenReader.maxTokenBytes else { throw .tooLong }
    guard text.utf8.starts(with: Self.prefix.utf8) else { throw .notAToken }
    guard let bytes = Base64.decodeURL(text.utf8.dropFirst(5)) ?? Base64.decode(text.utf8.dropFirst(5)) else {
      throw .notBase64
    }
    let root: CBOR
    do { root = try CBORReader.read(bytes) } catch { throw .notCBOR(error.reason) }
    self.init()
    self.id = try Self.member(root, "i", \.text)
    self.amount = try Self.member(root, "a", \.unsigned)
    self.unit = try Self.member(root, "u", \.text)
    self.isSingleUse = try Self.member(root, "s", \.bool)
    self.mints = try Self.texts(try Self.member(root, "m", \.array) ?? [], "m")
    self.description = try Self.member(root, "d", \.text)
    for item in try Self.member(root, "t", \.array) ?? [] {
      guard let kind = item["t"]?.text, let target = item["a"]?.text else { throw .member("t") }
      self.transports.append(Transport(kind: kind, target: target, tags: try Self.tags(item["g"])))
    }
    if let item = root["nut10"] {
      guard let kind = item["k"]?.text, let data = item["d"]?.text else { throw .member("nut10") }
      self.lock = Lock(kind: kind, data: data, tags: try Self.tags(item["t"]))
    }
  }

  private static func write(_ tags: [[String]]) -> CBOR { .array(tags.map { .array($0.map { .text($0) }) }) }

  private static func member<Value>(
    _ root: CBOR, _ name: String, _ form: KeyPath<CBOR, Value?>
  ) throws(TokenFault) -> Value? {
    guard let item = root[name] else { return nil }
    guard let value = item[keyPath: form] else { throw .member(name) }
    return value
  }

  private static func texts(_ items: [CBOR], _ name: String) throws(TokenFault) -> [String] {
    let texts = items.compactMap(\.text)
    guard texts.count == items.count else { throw .member(name) }
    return texts
  }

  private static func tags(_ item: CBOR?) throws(TokenFault) -> [[String]] {
    guard let item else { return [] }
    guard let tags = item.array else { throw .member("g") }
    var out: [[String]] = []
    for tag in tags { out.append(try self.texts(tag.array ?? [.absent], "g")) }
    return out
  }
}
