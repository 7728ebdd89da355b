/// A protobuf message written by hand: what no Envoy sends can be sent too.
struct WireMessage {
  private(set) var bytes: [UInt8] = []

  init(_ build: (inout WireMessage) -> Void = { _ in }) { build(&self) }

  mutating func varint(_ number: UInt64, _ value: UInt64) {
    self.append(number << 3)
    self.append(value)
  }

  mutating func bytes(_ number: UInt64, _ value: some Collection<UInt8>) {
    self.append(number << 3 | 2)
    self.append(UInt64(value.count))
    self.bytes += value
  }

  mutating func text(_ number: UInt64, _ value: String) { self.bytes(number, value.utf8) }

  mutating func message(_ number: UInt64, _ build: (inout WireMessage) -> Void) {
    self.bytes(number, WireMessage(build).bytes)
  }

  /// An entry of a map.
  mutating func entry(_ number: UInt64, _ key: String, _ value: String) {
    self.message(number) { entry in
      entry.text(1, key)
      entry.text(2, value)
    }
  }

  private mutating func append(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      self.bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    self.bytes.append(UInt8(rest))
  }
}

extension WireMessage {
  /// A `CheckRequest` with this `http` part and, beside it, what `attributes` adds.
  static func checkRequest(
    attributes: (inout WireMessage) -> Void = { _ in }, http: (inout WireMessage) -> Void
  ) -> [UInt8] {
    WireMessage { check in
      check.message(1) { context in
        context.message(4) { $0.message(2, http) }
        attributes(&context)
      }
    }.bytes
  }
}
