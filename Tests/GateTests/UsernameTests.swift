import Gate
import Testing

@Suite("Username")
struct UsernameTests {
  @Test(
    "a name as shadow-utils take it is a user name",
    arguments: ["dev", "a", "_x", "user-1a2b3c4d", "snake_case-9", String(repeating: "a", count: 31)])
  func accepted(_ text: String) {
    #expect(Username(text)?.text == text)
  }

  @Test(
    "any other name is none",
    arguments: [
      "", "Dev", "9lives", "-x", "a b", "a.b", "a:b", "a\n", "a\u{0}", "ä", "../x", "a$",
      String(repeating: "a", count: 32),
    ])
  func refused(_ text: String) {
    #expect(Username(text) == nil)
  }

  @Test(
    "a name of the system's own is reserved",
    arguments: ["root", "sshd", "nobody", "daemon", "mail", "www-data", "_apt", "systemd-network", "abc"])
  func reserved(_ text: String) {
    #expect(Username(text) == nil)
  }
}
