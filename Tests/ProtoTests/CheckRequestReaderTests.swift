import Octets
import Proto
import Testing

@Suite("Reading a CheckRequest")
struct CheckRequestReaderTests {
  let reader = CheckRequestReader(
    interest: .names("x-cashu", "authorization", "x-dup", "user-agent"), tierExtension: Array("route".utf8),
    width: 1)

  @Test("a captured message decodes to the fields shown beside it", arguments: Vector.names)
  func sample(name: String) throws {
    let opaque: Set<String> = [
      "metadata_context", "route_metadata_context", "headers", "destination", "time",
    ]
    let expected = TextProto.parse(try Vector.text(name)).without(opaque)
    let decoded = try #require(DecodedTree.checkRequest(try Vector.bytes(name)))
    #expect(decoded.without(opaque) == expected)
  }

  @Test("the typed view has the method, path, host, source and the fields asked for")
  func view() throws {
    let request = try self.reader.read(try Vector.bytes("s1-h2-mtls-ctx-json"))
    #expect(request.method.text == "POST")
    #expect(request.path.text == "/ctx/api?x=1&token=t")
    #expect(request.host.text == "server.example:19100")
    #expect(request.scheme.text == "https")
    #expect(request.id.text == "7979796953810382909")
    #expect(request.sourceAddress.text == "127.0.0.1")
    #expect(request.sourcePort == 41190)
    #expect(request.principal.text == "spiffe://example.org/client")
    #expect(request.tier.text == "ctx")
    #expect(
      request.headers.lines.sorted() == ["user-agent: curl/7.88.1", "x-cashu: cashuBabc", "x-dup: 1,2"])
  }

  @Test("raw headers stay one field a line")
  func rawHeaders() throws {
    let request = try self.reader.read(try Vector.bytes("s3-h2c-raw-headers-body"))
    #expect(request.headers.lines == ["user-agent: curl/7.88.1", "x-dup: 1", "x-dup: 2"])
    #expect(request.tier.isEmpty)
  }

  @Test("a message read after a longer one has nothing of it")
  func reuse() throws {
    let long = try self.reader.read(try Vector.bytes("s4-h1-large-cashu"))
    let short = try self.reader.read(WireMessage.checkRequest { $0.text(2, "GET") })
    #expect(short.method.text == "GET")
    #expect(short.path.isEmpty)
    #expect(short.headers.isEmpty)
    #expect(long.path.text == "/paid/big")
    guard case .once(let token) = long.headers.only("x-cashu") else { throw Missing() }
    #expect(token.count == 7_006)
  }

  @Test("a request without id, host, scheme, source or headers is read: gRPC's own client sends none")
  func sparse() throws {
    let request = try self.reader.read(
      WireMessage.checkRequest { http in
        http.text(2, "POST")
        http.text(4, "/pkg.Service/Call")
        http.varint(9, UInt64(bitPattern: -1))
        http.message(13) { map in
          map.message(1) { line in
            line.text(1, "X-Cashu")
            line.text(3, "cashuBraw")
          }
        }
      })
    #expect(request.path.text == "/pkg.Service/Call")
    #expect(request.host.isEmpty && request.scheme.isEmpty && request.id.isEmpty)
    #expect(request.sourceAddress.isEmpty && request.sourcePort == nil && request.principal.isEmpty)
    #expect(request.headers.lines == ["x-cashu: cashuBraw"])
  }

  @Test("an empty message, and one without http, read as empty")
  func empty() throws {
    #expect(try self.reader.read([]).method.isEmpty)
    #expect(try self.reader.read(WireMessage { $0.message(1) { _ in } }.bytes).path.isEmpty)
  }

  @Test("the header map is read when `headers` is empty, and not otherwise")
  func headersBeforeMap() throws {
    let both = WireMessage.checkRequest { http in
      http.entry(3, "x-cashu", "from headers")
      http.message(13) { $0.entry(1, "x-cashu", "from the map") }
    }
    #expect(try self.reader.read(both).headers.lines == ["x-cashu: from headers"])
    let map = WireMessage.checkRequest { http in http.message(13) { $0.entry(1, "x-cashu", "from the map") } }
    #expect(try self.reader.read(map).headers.lines == ["x-cashu: from the map"])
  }

  @Test("a NUL does not cut a value short")
  func nul() throws {
    let request = try self.reader.read(
      WireMessage.checkRequest { http in
        http.text(4, "/free\0/../paid")
        http.entry(3, "x-cashu", "cashuB\0rest")
      })
    #expect(request.path.text == "/free\0/../paid")
    #expect(request.headers.lines == ["x-cashu: cashuB\0rest"])
  }

  @Test("a header that is sent twice in the map is seen twice")
  func repeated() throws {
    let request = try self.reader.read(
      WireMessage.checkRequest { http in
        http.entry(3, "x-cashu", "a")
        http.entry(3, "x-cashu", "b")
      })
    #expect(request.headers.only("x-cashu") == .repeated)
  }

  @Test("a tier that is named twice is no tier")
  func repeatedTier() throws {
    let twice = WireMessage.checkRequest(
      attributes: { context in
        context.entry(10, "route", "gold")
        context.entry(10, "route", "silver")
      }, http: { _ in })
    #expect(try self.reader.read(twice).tier.isEmpty)
    let other = WireMessage.checkRequest(attributes: { $0.entry(10, "price", "1") }, http: { _ in })
    #expect(try self.reader.read(other).tier.isEmpty)
  }

  @Test("a unix socket as the source has no address")
  func pipe() throws {
    let request = WireMessage.checkRequest(
      attributes: { $0.message(1) { $0.message(1) { $0.message(2) { $0.text(1, "/run/x.sock") } } } },
      http: { _ in })
    #expect(try self.reader.read(request).sourceAddress.isEmpty)
  }

  @Test(
    "what is no CheckRequest is refused",
    arguments: [
      [0x0A], [0x0A, 0x05, 0x01], [0xFF, 0xFF, 0xFF], [0x08, 0x01],
      // a text where the message `attributes` belongs, and a group
      [0x0A, 0x03, 0x61, 0x62, 0x63], [0x0B, 0x0C],
    ] as [[UInt8]])
  func malformed(bytes: [UInt8]) {
    #expect(throws: ProtoError.malformed) { try self.reader.read(bytes) }
  }

  @Test("a message that unfolds to more than the arena is refused, and the next one is read")
  func bomb() throws {
    let bomb = WireMessage.checkRequest { http in for _ in 0..<60_000 { http.bytes(3, []) } }
    #expect(bomb.count < 256 * 1024)
    #expect(throws: ProtoError.tooLarge) { try self.reader.read(bomb) }
    #expect(try self.reader.read(try Vector.bytes("s2-h1-plain-get")).method.text == "GET")
  }

  @Test("a body of nearly 1 MiB is read")
  func largeBody() throws {
    let body = [UInt8](repeating: 0x7A, count: 1_000_000)
    let request = try self.reader.read(
      WireMessage.checkRequest { http in
        http.text(2, "PUT")
        http.bytes(12, body)
      })
    #expect(request.method.text == "PUT")
  }

  @Test("threads that read at once do not mix their messages up")
  func parallel() async throws {
    let reader = self.reader
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<8 {
        group.addTask {
          let bytes = WireMessage.checkRequest { $0.text(4, "/\(number)") }
          return (0..<500).allSatisfy { _ in (try? reader.read(bytes))?.path.text == "/\(number)" }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }
}

@Suite("A CheckRequest from anyone")
struct CheckRequestPropertyTests {
  let reader = CheckRequestReader(
    interest: .names("x-cashu", "x-dup"), tierExtension: Array("route".utf8), width: 1)

  @Test("a captured message with bytes changed, cut or doubled never traps", arguments: Vector.names)
  func mutations(name: String) throws {
    let original = try Vector.bytes(name)
    var random = Seeded(state: UInt64(original.count))
    var refused = 0
    for _ in 0..<2_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch UInt8.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeLast(min(bytes.count - 1, place))
        case 2: bytes.insert(contentsOf: bytes[..<min(place, 64)], at: place)
        default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
      }
      do { _ = try self.reader.read(bytes).headers } catch { refused += 1 }
    }
    #expect(refused > 0)
  }

  @Test("random bytes never trap, and the reader still works afterwards")
  func noise() throws {
    var random = Seeded(state: 7)
    for length in 0..<2_000 {
      let bytes = (0..<length % 300).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = try? self.reader.read(bytes)
    }
    #expect(try self.reader.read(try Vector.bytes("s2-h1-plain-get")).path.text == "/free?a=b")
  }
}

/// The same numbers in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    self.state &+= 0x9E37_79B9_7F4A_7C15
    var z = self.state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

struct Missing: Error {}

extension CheckRequestReader {
  func read(_ bytes: [UInt8]) throws(ProtoError) -> CheckRequest { try self.read(bytes[...]) }
}

extension FieldList {
  static func names(_ names: String...) -> FieldList {
    var list = FieldList()
    for name in names { list.append(name: name.utf8, value: []) }
    return list
  }

  init(_ fields: (String, String)...) {
    self.init()
    for (name, value) in fields { self.append(name: name.utf8, value: value.utf8) }
  }

  var lines: [String] { (0..<self.count).map { "\(self[$0].name.text): \(self[$0].value.text)" } }
}

extension Sequence<UInt8> {
  var text: String { String(decoding: Array(self), as: UTF8.self) }
}
