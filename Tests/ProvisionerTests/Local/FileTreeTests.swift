import Foundation
import Glibc
import Testing

@testable import Provisioner

@Suite("Files of machines", .serialized)
struct FileTreeTests {
  @Test("one that somebody holds a lease of is waited for by nobody")
  func lease() throws {
    let path = "/tmp/turnpike-lease-\(UInt32.random(in: 0...UInt32.max))"
    try FileTree.replace(path, with: "text", mode: 0o600)
    defer { try? FileTree.remove(path) }
    #expect(try FileTree.read(path) == "text")
    // The kernel tells the holder, and ends one that does not listen.
    signal(SIGIO, SIG_IGN)
    let holder = try Descriptor.open(path, O_RDONLY)
    try #require(fcntl(holder.raw, 1024, F_WRLCK) == 0)
    #expect { try FileTree.read(path) } throws: { ($0 as? SystemFault)?.code == EWOULDBLOCK }
    try FileTree.replace(path, with: "other", mode: 0o600)
    #expect(try FileTree.read(path) == "other")
  }

  @Test("replaced by many at once they hold what one of them wrote, and no draft stays")
  func replaced() async throws {
    let folder = "/tmp/turnpike-files-\(UInt32.random(in: 0...UInt32.max))"
    try FileTree.makeFolder(folder, mode: 0o700)
    defer { try? FileTree.remove(folder) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<32 {
        group.addTask { try FileTree.replace("\(folder)/file", with: "\(number)", mode: 0o600) }
      }
      try await group.waitForAll()
    }
    #expect(Int(try FileTree.read("\(folder)/file") ?? "") != nil)
    #expect(try FileTree.names(in: folder) == ["file"])
  }
}
