import Foundation
import Glibc
import Testing

/// What carries a connection's bytes to its sshd and back, here with other programs in its place.
@Suite("The relay of a connection", .serialized, .timeLimit(.minutes(2)))
struct RelayTests {
  private static let bytes = 3_000_000

  @Test("delivers all that was said last, to whoever takes his time")
  func slowReader() async throws {
    try await Self.serve(on: 24_140, "head -c \(Self.bytes) /dev/zero") { _ in
      let caller = try Caller(from: "127.0.0.1", to: 24_140)
      try await Task.sleep(for: .seconds(2))
      var count = 0
      while case let piece = caller.greeting().utf8.count, piece > 0 { count += piece }
      #expect(count == Self.bytes)
    }
  }

  @Test("an end of input passes alone")
  func halfClosed() async throws {
    try await Self.serve(on: 24_141, "cat; echo end") { _ in
      let caller = try Caller(from: "127.0.0.1", to: 24_141)
      caller.say("words\n")
      var heard = ""
      while case let piece = caller.greeting(), !piece.isEmpty { heard += piece }
      #expect(heard == "words\nend\n")
    }
  }

  @Test("ends soon after its sshd, though a stranger takes nothing of what it said")
  func deafReader() async throws {
    try await Self.serve(on: 24_142, "timeout 1 cat /dev/zero") { server in
      let caller = try Caller(from: "127.0.0.1", to: 24_142, receiving: 1)
      #expect(await eventually { !Self.children(of: server).isEmpty })
      #expect(await eventually { Self.children(of: server).isEmpty })
      withExtendedLifetime(caller) {}
    }
  }

  /// Runs `body` beside a server that answers each connection with a shell command.
  private static func serve(
    on port: UInt16, _ command: String, _ body: (pid_t) async throws -> Void
  ) async throws {
    let folder = "/tmp/turnpike-relay-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "\(Int(Date.now.timeIntervalSince1970) + 600)\n".write(
      toFile: "\(folder)/deadline", atomically: true, encoding: .utf8)
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let server = Process()
    server.executableURL = URL(fileURLWithPath: own).deletingLastPathComponent()
      .appendingPathComponent("workload-init")
    server.arguments = [
      "serve", "--deadline", "\(folder)/deadline", "--port", "\(port)", "--", "/bin/sh", "-c", command,
    ]
    try server.run()
    defer {
      kill(server.processIdentifier, SIGKILL)
      server.waitUntilExit()
    }
    #expect(await eventually { (try? Caller(from: "127.0.0.1", to: port)) != nil })
    #expect(await eventually { Self.children(of: server.processIdentifier).isEmpty })
    try await body(server.processIdentifier)
  }

  private static func children(of pid: pid_t) -> [Substring] {
    let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
    return text?.split(separator: " ") ?? []
  }
}
