import Settings
import Testing

@Suite("Values")
struct ValueTests {
  @Test(
    "a duration is a number with a unit, or several from large to small",
    arguments: [
      ("500ms", 500), ("29s", 29_000), ("1h", 3_600_000), ("1h30m", 5_400_000), ("7d", 604_800_000),
      ("1m1ms", 60_001),
    ])
  func duration(text: String, milliseconds: Int64) {
    #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    #expect(DurationText.format(.milliseconds(milliseconds)) == text)
  }

  @Test(
    "anything else is none",
    arguments: ["", "s", "29", "1.5s", "-1s", "1 s", "1s1h", "1s1s", "1H", "99999999999999d", "1h30"])
  func noDuration(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(
    "a mint's address has one spelling",
    arguments: [
      ("https://Mint.Example.com", "https://mint.example.com"),
      ("HTTPS://mint.example.com//", "https://mint.example.com"),
      ("https://mint.example.com/Bitcoin/", "https://mint.example.com/Bitcoin"),
      ("http://[::1]:3338", "http://[::1]:3338"),
      ("https://mint.example.com:443/a//b", "https://mint.example.com/a/b"),
      ("http://mint.example.com:80", "http://mint.example.com"),
      ("https://mint.example.com:80", "https://mint.example.com:80"),
    ])
  func mint(text: String, canonical: String) throws {
    #expect(try ServiceURL(text).text == canonical)
  }

  @Test(
    "plain http is exposed, except to this host",
    arguments: [
      ("http://127.0.0.1:3338", false), ("http://localhost", false), ("http://[::1]:1", false),
      ("http://mint.example.com", true), ("http://10.0.0.1", true), ("https://mint.example.com", false),
    ])
  func exposed(text: String, isExposed: Bool) throws {
    #expect(try ServiceURL(text).isExposed == isExposed)
  }

  @Test(
    "what is no address of a mint is refused",
    arguments: [
      "ftp://a", "https://", "https://a b", "https://a,b", "https://a:99999", "https://a:", "https://a/b c",
      "https://a/../b", "https://a/%41", "https://a./",
      "https://a.:443", "https://a:+1",
    ])
  func noMint(text: String) {
    #expect(throws: ServiceURL.Fault.self) { try ServiceURL(text) }
  }

  @Test(
    "a listener's address is as the file writes it", arguments: ["127.0.0.1:80", "[::1]:0", "unix:/run/x"])
  func address(text: String) throws {
    #expect(try BindAddress(text).description == text)
  }

  @Test(
    "what is no address of a listener is refused",
    arguments: [
      "", "80", "::1:80", "[127.0.0.1]:80", "127.0.0.1:", "127.0.0.1:+80", "127.0.0.1:080000", "unix:",
    ])
  func noAddress(text: String) {
    #expect(throws: BindAddress.Fault.self) { try BindAddress(text) }
  }
}
