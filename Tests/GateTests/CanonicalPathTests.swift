import Gate
import Testing

@Suite struct CanonicalPathTests {
  @Test(
    "a target with one reading gives its canonical path",
    arguments: [
      ("/", "/"), ("/paid", "/paid"), ("/paid/", "/paid/"), ("/paid?x=/../free", "/paid"),
      ("/a//b///c", "/a/b/c"), ("/a//", "/a/"), ("/%70aid", "/paid"),
      ("/a%2Bb", "/a+b"), ("/a+b", "/a+b"),
      ("/%252e%252e/x", "/%252e%252e/x"), ("/a%3fb%20c%23", "/a%3Fb%20c%23"), ("/a%3Bb", "/a;b"),
      ("/...", "/..."), ("/..x", "/..x"),
      ("/%C3%A9", "/\u{E9}"), ("/\u{E9}", "/\u{E9}"), ("http://example.com/paid", "/paid"),
      ("HTTPS://example.com/paid?x", "/paid"), ("http://example.com", "/"), ("/x;v=1", "/x;v=1"),
      ("/.well-known/x", "/.well-known/x"),
    ])
  func accepts(target: String, path: String) throws {
    let canonical = try #require(CanonicalPath(target: Array(target.utf8)[...]))
    #expect(canonical.text == path)
  }

  @Test(
    "a target with more than one reading is refused",
    arguments: [
      "", "paid", "*", "example.com:443", "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/free\\..\\paid", "/%00",
      "/a%0ab",
      "/a%0d", "/a%7f", "/a\u{1}", "/a b", "/a%", "/a%2", "/a%zz", "/a#b", "/..", "/../paid",
      "/free/../../paid", "/free/../paid", "/paid/../free", "/free/./x", "/free/..", "/free/.",
      "/free/%2e%2e/paid",
      "/paid/%2E%2e/free", "/free/.%2e/paid", "//paid", "//free/paid", "///x", "HTTPS://example.com//paid",
      "/free/..;/paid", "/free/..;x=1/paid", "/free/.;/paid", "/free/%2e%2e;/paid", "/free/..%3b/paid",
      "/;/paid", "/free/;/../paid", "/free/;x=1/paid", "/%3b/paid",
      "ftp://example.com/", "http:///paid",
    ])
  func refuses(target: String) {
    #expect(CanonicalPath(target: Array(target.utf8)[...]) == nil)
  }

  @Test(
    "bytes that no UTF-8 text has are refused", arguments: ["/%c0%ae%c0%ae/paid", "/%C1%81", "/%ff", "/%f5"])
  func refusesOverlong(target: String) {
    #expect(CanonicalPath(target: Array(target.utf8)[...]) == nil)
  }

  @Test("a path of more segments than the bound is refused, however it is spelt")
  func refusesDeep() {
    let deep = String(repeating: "/a", count: CanonicalPath.maxSegments + 1)
    #expect(CanonicalPath(target: Array(deep.utf8)[...]) == nil)
    #expect(CanonicalPath(target: Array(("/." + deep).utf8)[...]) == nil)
    let allowed = String(repeating: "/a", count: CanonicalPath.maxSegments)
    #expect(CanonicalPath(target: Array(allowed.utf8)[...]) != nil)
  }

  @Test("a canonical path is its own canonical path, for thousands of random targets")
  func isIdempotent() throws {
    var random = SplitMix(seed: 7)
    let alphabet = Array("/./..%2e%70;a?\\#%2f %20%25%3f\u{E9}".utf8)
    for _ in 0..<20_000 {
      let target =
        [0x2F]
        + (0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
      guard let once = CanonicalPath(target: target[...]) else { continue }
      let twice = try #require(CanonicalPath(target: once.bytes))
      #expect(once == twice)
      #expect(once.bytes.first == 0x2F)
    }
  }
}

/// A seeded source, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { self.state = seed }

  mutating func next() -> UInt64 {
    self.state &+= 0x9E37_79B9_7F4A_7C15
    var z = self.state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
