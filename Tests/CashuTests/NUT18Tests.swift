import Cashu
import JSON
import Octets
import Testing

@Suite("NUT-18: the official vectors")
struct NUT18Tests {
  static let file = "nuts/18-tests.md"

  /// The first vector's text encodes another request than the JSON beside it (another mint and profile); it
  /// is read below.
  @Test(
    "requests decode to the JSON shown beside them, and survive our own encoding",
    arguments: [
      "Complete Payment Request", "HTTP Transport Payment Request", "Nostr Transport Payment Request",
      "Minimal Payment Request", "Payment Request with NUT-10 Locking",
    ])
  func decode(heading: String) throws {
    let section = try Vectors.section(Self.file, heading)
    let shown = try Vectors.json(section.blocks[0])
    let request = try PaymentRequest(decoding: Vectors.lines(section.blocks[1])[0])
    #expect(request.id == shown["i"]?.string)
    #expect(request.amount == shown["a"]?.unsigned)
    #expect(request.unit == shown["u"]?.string)
    #expect(request.isSingleUse == shown["s"]?.bool)
    #expect(request.mints == shown["m"]?.array?.compactMap(\.string))
    #expect(request.description == shown["d"]?.string)
    #expect(request.transports.map(\.kind) == (shown["t"]?.array ?? []).compactMap { $0["t"]?.string })
    #expect(request.transports.map(\.target) == (shown["t"]?.array ?? []).compactMap { $0["a"]?.string })
    let tags = shown["t"]?.array?.first?["g"]?.array?.map { ($0.array ?? []).compactMap(\.string) } ?? []
    #expect((request.transports.first?.tags ?? []) == tags)
    #expect(request.lock?.kind == shown["nut10"]?["k"]?.string)
    #expect(request.lock?.data == shown["nut10"]?["d"]?.string)
    #expect(try PaymentRequest(decoding: request.encoded()) == request)
  }

  @Test("the basic vector is read, and differs from its JSON as published")
  func basic() throws {
    let section = try Vectors.section(Self.file, "Basic Payment Request")
    let request = try PaymentRequest(decoding: Vectors.lines(section.blocks[1])[0])
    #expect(request.id == "b7a90176")
    #expect(request.amount == 10)
    #expect(request.unit == "sat")
    #expect(request.mints == ["https://nofees.testnut.cashu.space"])
    #expect(request.transports.map(\.tags) == [[["n", "17"]]])
  }

  @Test("a request without optional members is written in the order i, a, u, s, m")
  func encode() throws {
    let section = try Vectors.section(Self.file, "Payment Request with NUT-10 Locking")
    let text = Vectors.lines(section.blocks[1])[0]
    #expect(try PaymentRequest(decoding: text).encoded() == text)
  }

  @Test(
    "another prefix, other bytes, or a member of another type is no request",
    arguments: [
      "creqBo2Fp", "creqA", "creqA!!!!", "creqAoWFhYTE", "creqAoWFtYTE", "creqAoWFtgQE",
    ])
  func malformed(text: String) {
    #expect(throws: TokenFault.self) { try PaymentRequest(decoding: text) }
  }
}
