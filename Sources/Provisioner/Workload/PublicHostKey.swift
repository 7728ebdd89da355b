internal import Digest
internal import Octets

/// The public key that a machine shows, in the forms that a buyer's `ssh` compares it with.
package struct PublicHostKey: Hashable, Sendable {
  /// `ssh-ed25519 AAAA…`
  package let text: String
  /// `SHA256:…`, as `ssh` and `ssh-keygen -l` show it.
  package let fingerprint: String

  /// Nil for what is no `TYPE BLOB`; a comment is dropped.
  package init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count >= 2, let blob = Base64.decode(words[1].utf8), !blob.isEmpty else { return nil }
    self.text = "\(words[0]) \(words[1])"
    let digest = Base64.encode(SHA256.hash(blob))
    // OpenSSH leaves the padding out.
    self.fingerprint = "SHA256:" + digest.prefix { $0 != "=" }
  }

  /// A line of `known_hosts` (sshd(8)): `[host]:port TYPE BLOB`.
  package func knownHosts(host: String, port: UInt16) -> String { "[\(host)]:\(port) \(self.text)" }
}
