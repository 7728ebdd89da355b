/// A login name inside a machine: `[a-z_][a-z0-9_-]{0,30}`, as shadow-utils take it, and no name of the system's own.
///
/// A name that an image has in its `/etc/passwd` already makes some of them start and never take a login.
public struct Username: Hashable, Sendable, CustomStringConvertible {
  public static let maxCharacters = 31

  public let text: String

  /// Nil for any other form, and for a reserved name.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, bytes.count <= Self.maxCharacters else { return nil }
    guard Self.isLetter(first), bytes.allSatisfy({ Self.isLetter($0) || Self.isDigit($0) || $0 == 0x2d })
    else {
      return nil
    }
    guard !Self.reserved.contains(text), !text.hasPrefix("systemd-") else { return nil }
    self.text = text
  }

  public var description: String { self.text }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || byte == 0x5f }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Accounts of Debian's and Alpine's base systems, of OpenSSH, and of the images that are known to us.
  private static let reserved: Set<String> = [
    "root", "toor", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
    "www-data", "backup", "list", "irc", "gnats", "nobody", "nogroup", "_apt", "sshd", "messagebus", "adm",
    "halt", "shutdown", "operator", "ftp", "postmaster", "cron", "at", "squid", "xfs", "ntp", "smmsp",
    "guest",
    "abc", "postgres", "mysql", "cyrus", "vpopmail", "svn", "dhcp", "utmp", "wheel", "tty", "disk", "shadow",
    "sudo", "staff", "users",
  ]
}
