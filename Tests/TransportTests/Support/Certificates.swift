import Foundation

/// A CA, a server's and two clients' certificates, made by the `openssl` command.
final class Certificates: Sendable {
  private let folder: URL

  init() throws {
    self.folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "turnpike-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    try self.makeAuthority("ca")
    try self.makeAuthority("other-ca")
    try self.make("server", name: "server", alternatives: "DNS:localhost", authority: "ca")
    try self.make(
      "proxy", name: "proxy.example", alternatives: "DNS:edge.example,URI:spiffe://x/proxy", authority: "ca")
    try self.make("foreign", name: "proxy.example", alternatives: "DNS:edge.example", authority: "other-ca")
  }

  deinit { try? FileManager.default.removeItem(at: self.folder) }

  func path(_ name: String) -> String { self.folder.appendingPathComponent(name).path }

  private func makeAuthority(_ name: String) throws {
    try self.openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
      "/CN=\(name)", "-keyout", self.path("\(name).key"), "-out", self.path("\(name).pem"))
  }

  private func make(_ file: String, name: String, alternatives: String, authority: String) throws {
    try self.openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
      "/CN=\(name)", "-addext", "subjectAltName=\(alternatives)", "-addext",
      "basicConstraints=critical,CA:FALSE",
      "-CA", self.path("\(authority).pem"), "-CAkey", self.path("\(authority).key"),
      "-keyout", self.path("\(file).key"), "-out", self.path("\(file).pem"))
  }

  private func openssl(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(arguments: arguments) }
  }

  struct Failure: Error { var arguments: [String] }
}
