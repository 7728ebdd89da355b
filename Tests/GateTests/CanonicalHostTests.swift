import Gate
import Testing

@Suite struct CanonicalHostTests {
  @Test(
    "a host is compared without case, port and trailing dot",
    arguments: [
      ("Example.COM", "example.com"), ("example.com:8080", "example.com"), ("example.com.", "example.com"),
      ("example.com.:80", "example.com"), ("127.0.0.1:1", "127.0.0.1"), ("[::1]:80", "[::1]"),
      ("[2001:DB8::1]", "[2001:db8::1]"),
      ("a_b.local", "a_b.local"),
    ])
  func accepts(host: String, canonical: String) {
    #expect(CanonicalHost(host.utf8)?.text == canonical)
  }

  @Test(
    "a host with more than one reading is refused",
    arguments: [
      "", ".", "good,evil", "a b", "a@b", "a/b", "a:b", "a:1:2", "[::1", "::1", "[::1]x", "a\u{0}", ".a",
      "a..", "a:123456",
    ])
  func refuses(host: String) {
    #expect(CanonicalHost(host.utf8) == nil)
  }

  @Test("a wildcard stands for labels in front of a name and never for the name itself")
  func wildcard() throws {
    let pattern = try #require(HostPattern("*.example.com"))
    #expect(pattern.matches(try #require(CanonicalHost("a.example.com".utf8))))
    #expect(pattern.matches(try #require(CanonicalHost("a.b.Example.com:80".utf8))))
    #expect(!pattern.matches(try #require(CanonicalHost("example.com".utf8))))
    #expect(!pattern.matches(try #require(CanonicalHost("badexample.com".utf8))))
    #expect(HostPattern("a.*.com") == nil)
    #expect(HostPattern("example.com:80") == nil)
  }
}
