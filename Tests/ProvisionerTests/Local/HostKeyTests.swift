import Foundation
import Testing

@testable import Provisioner

@Suite("A host key")
struct HostKeyTests {
  @Test("is the one of RFC 8032, test 1")
  func vector() {
    let seed = Self.bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    let key = HostKey(seed: seed, check: [1, 2, 3, 4])
    // d75a9801…511a behind the name and its length (RFC 8709 §4).
    #expect(
      key.publicText == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea")
  }

  @Test("is read by OpenSSH, which finds the same public key in it")
  func openSSH() async throws {
    let file = "/tmp/turnpike-key-\(UInt64.random(in: 0...UInt64.max))"
    defer { try? FileManager.default.removeItem(atPath: file) }
    for _ in 0..<3 {
      let key = HostKey.make()
      try key.privateText.write(toFile: file, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
      let ran = try await Ran.run(["/usr/bin/ssh-keygen", "-y", "-f", file])
      #expect(ran.output.trimmingCharacters(in: .whitespacesAndNewlines) == key.publicText, "\(ran.errors)")
    }
    #expect(HostKey.make().publicText != HostKey.make().publicText)
  }

  private static func bytes(_ hex: String) -> [UInt8] {
    stride(from: 0, to: hex.count, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
  }
}
