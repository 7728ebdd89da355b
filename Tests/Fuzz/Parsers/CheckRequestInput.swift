internal import Octets
internal import Proto

/// Envoy's message, through the reader that the gate uses, twice: what one message leaves in the arena must not be in
/// the next one.
enum CheckRequestInput {
  private static let reader = CheckRequestReader(
    interest: Self.interest, tierExtension: Array("tier".utf8), width: 1)

  private static let interest: FieldList = {
    var fields = FieldList()
    let names: [StaticString] = ["x-cashu", "authorization", "cookie", "origin"]
    for name in names { fields.append(name, "".utf8) }
    return fields
  }()

  static func read(_ bytes: [UInt8]) {
    let one = self.summary(bytes)
    precondition(one == self.summary(bytes), "the same message read twice differs")
    if let one { precondition(one.count <= 2 * bytes.count + 64, "more was read than was sent") }
  }

  private static func summary(_ bytes: [UInt8]) -> [UInt8]? {
    guard let request = try? self.reader.read(bytes[...]) else { return nil }
    return [
      request.method, request.path, request.host, request.scheme, request.id, request.sourceAddress,
      request.principal, request.tier,
    ].flatMap { Array($0) }
  }
}
