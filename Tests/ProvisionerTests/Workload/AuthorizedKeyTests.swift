import Testing

@testable import Provisioner

@Suite("AuthorizedKey")
struct AuthorizedKeyTests {
  @Test(
    "a key of a known type and its right form is taken",
    arguments: [
      SampleKeys.ed25519, SampleKeys.nistp256, SampleKeys.nistp384, SampleKeys.nistp521, SampleKeys.rsa2048,
      SampleKeys.securityEd25519, SampleKeys.securityNistp256,
    ])
  func accepted(_ line: String) {
    #expect(AuthorizedKey(line)?.text == line)
  }

  @Test("a comment is dropped, and so is space around the words")
  func comment() {
    #expect(AuthorizedKey("\(SampleKeys.ed25519) me@home, my laptop")?.text == SampleKeys.ed25519)
    #expect(AuthorizedKey("  \(SampleKeys.ed25519)  ")?.text == SampleKeys.ed25519)
  }

  @Test(
    "options before the type are refused",
    arguments: ["command=\"sh\"", "no-pty", "restrict", "from=\"10.0.0.0/8\"", "cert-authority"])
  func options(_ option: String) {
    #expect(AuthorizedKey("\(option) \(SampleKeys.ed25519)") == nil)
  }

  @Test(
    "a weak, unknown or broken key is refused",
    arguments: [
      SampleKeys.rsa1024, SampleKeys.dsa, SampleKeys.withTrailingByte, SampleKeys.tooShort,
      SampleKeys.ofAnotherType, "", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 !!!!",
      "ssh-rsa AAAAB3NzaC1yc2E=",
      "ssh-ed25519 //////////8=",
    ])
  func broken(_ line: String) {
    #expect(AuthorizedKey(line) == nil)
  }

  @Test(
    "a second line can not be smuggled in",
    arguments: ["\n", "\r", "\r\n", "\t", "\u{0}", "\u{7f}"])
  func control(_ separator: String) {
    #expect(AuthorizedKey("\(SampleKeys.ed25519)\(separator)\(SampleKeys.nistp256)") == nil)
    #expect(AuthorizedKey("\(SampleKeys.ed25519) me\(separator)x") == nil)
  }

  @Test("a line of more than 8 KiB is refused")
  func long() {
    let room = AuthorizedKey.maxBytes - SampleKeys.ed25519.utf8.count - 1
    #expect(AuthorizedKey("\(SampleKeys.ed25519) \(String(repeating: "c", count: room))") != nil)
    #expect(AuthorizedKey("\(SampleKeys.ed25519) \(String(repeating: "c", count: room + 1))") == nil)
  }
}

@Suite("PublicHostKey")
struct PublicHostKeyTests {
  @Test("the fingerprint is the one that ssh-keygen shows")
  func fingerprint() throws {
    let key = try #require(PublicHostKey("\(SampleKeys.ed25519) root@host"))
    #expect(key.fingerprint == SampleKeys.ed25519Fingerprint)
    #expect(key.knownHosts(host: "ssh.example", port: 22001) == "[ssh.example]:22001 \(SampleKeys.ed25519)")
  }

  @Test("what is no key has none", arguments: ["", "ssh-ed25519", "ssh-ed25519 ???"])
  func none(_ text: String) {
    #expect(PublicHostKey(text) == nil)
  }
}
