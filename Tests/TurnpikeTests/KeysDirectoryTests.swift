import Cashu
import Digest
import Foundation  // makes folders, sets modes
import Gate
import Octets
import Store
import Testing

@testable import turnpike

/// A folder that is gone when the test is.
final class Folder {
  let path: String

  init() throws {
    self.path = NSTemporaryDirectory() + "turnpike-" + Hex.encode(RandomBytes.make(count: 8))
    try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: self.path) }

  func write(_ name: String, _ text: String, mode: Int = 0o600) throws {
    let file = self.path + "/" + name
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: self.path + "/" + name, encoding: .utf8)
  }

  func mode(_ name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: self.path + "/" + name)
    return attributes[.posixPermissions] as? Int ?? -1
  }

  func chmod(_ name: String, _ mode: Int) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: self.path + "/" + name)
  }
}

@Suite("The keys directory")
struct KeysDirectoryTests {
  private let folder: Folder
  private var keys: KeysDirectory { KeysDirectory(path: self.folder.path + "/keys") }

  init() throws { self.folder = try Folder() }

  private static let keyA = String(repeating: "a1", count: 32)
  private static let keyB = String(repeating: "b2", count: 32)
  private static let seed = String(repeating: "5e", count: 64)

  private func given(passKeys: String, seed: String = Self.seed) throws {
    try FileManager.default.createDirectory(
      atPath: self.folder.path + "/keys", withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o700])
    try self.folder.write("keys/pass-keys", passKeys)
    try self.folder.write("keys/treasury-seed", seed)
  }

  @Test("is made on first start, for its owner alone, and is the same at the next")
  func made() throws {
    let first = try self.keys.open()
    #expect(try self.folder.mode("keys") == 0o700)
    #expect(try self.folder.mode("keys/pass-keys") == 0o600)
    #expect(try self.folder.mode("keys/treasury-seed") == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: self.folder.path + "/keys").count == 2)
    #expect(try self.keys.open().fingerprints == first.fingerprints)
    #expect(try KeysDirectory(path: self.folder.path + "/others").open().fingerprints != first.fingerprints)
  }

  @Test("two processes that start at once use one set of keys")
  func race() async throws {
    let keys = self.keys
    let found = try await withThrowingTaskGroup { group in
      for _ in 0..<8 { group.addTask { try keys.open().fingerprints } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(found.count == 1)
  }

  @Test("the last pass key signs, all of them check")
  func rotation() throws {
    try self.given(passKeys: "# a comment\n1 \(Self.keyA)\n\n7 \(Self.keyB)\r\n")
    let opened = try self.keys.open()
    #expect(opened.passKeys.active.id == 7)
    #expect(opened.fingerprints.passKeys.keys.sorted() == [1, 7])
  }

  @Test("a fingerprint is that of its key, whatever its id, and shows nothing of it")
  func fingerprints() throws {
    try self.given(passKeys: "1 \(Self.keyA)\n2 \(Self.keyB)\n")
    let fingerprints = try self.keys.open().fingerprints
    try self.folder.write("keys/pass-keys", "3 \(Self.keyA)\n")
    #expect(try self.keys.open().fingerprints.passKeys[3] == fingerprints.passKeys[1])
    #expect(fingerprints.passKeys[1] != fingerprints.passKeys[2])
    #expect(fingerprints.passKeys[1]?.utf8.count == 16)
    #expect(fingerprints.treasurySeed.map { !Self.seed.contains($0) } == true)
  }

  @Test("a seed is made as words to write down")
  func words() throws {
    _ = try self.keys.open()
    let lines = try self.folder.text("keys/treasury-seed").split(separator: "\n").filter {
      !$0.hasPrefix("#")
    }
    #expect(lines.count == 1)
    #expect(lines[0].split(separator: " ").count == 24)
  }

  @Test("a seed may be the words of a mnemonic")
  func mnemonic() throws {
    let words =
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    try self.given(passKeys: "1 \(Self.keyA)", seed: words + "\n")
    // The seed of this mnemonic in BIP39's test vectors, with an empty passphrase.
    let hex =
      "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1"
      + "9a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"
    let bytes = try #require(Hex.decode(hex))
    #expect(try self.keys.open().seed.exportBytes() == bytes)
  }

  @Test(
    "a file that others may read is refused", arguments: ["pass-keys", "treasury-seed"],
    [0o640, 0o604, 0o666])
  func readable(name: String, mode: Int) throws {
    _ = try self.keys.open()
    try self.folder.chmod("keys/" + name, mode)
    let fault = try #require(throws: KeysFault.self) { try self.keys.open() }
    #expect(fault.description.contains("keys/" + name))
    #expect(fault.description.contains("chmod 600"))
  }

  @Test("a directory that others may change is refused", arguments: [0o770, 0o707])
  func writable(mode: Int) throws {
    _ = try self.keys.open()
    try self.folder.chmod("keys", mode)
    #expect(throws: KeysFault.self) { try self.keys.open() }
  }

  @Test(
    "pass keys that are none are refused, and not repeated in the reason",
    arguments: [
      "", "# nothing\n", "1\n", "0 KEY", "x KEY", "1 KEY00", "1 zz\n", "1 KEY KEY", "1 KEY\n1 OTHER",
      "4294967296 KEY",
    ])
  func badPassKeys(text: String) throws {
    let written = text.replacing("KEY", with: Self.keyA).replacing("OTHER", with: Self.keyB)
    try self.given(passKeys: written)
    let fault = try #require(throws: KeysFault.self) { try self.keys.open() }
    #expect(fault.path == "pass-keys")
    #expect(!fault.description.contains("a1a1"))
  }

  @Test(
    "a seed that is none is refused",
    arguments: [
      "", "5e5e", "one two three", "# only a comment",
      // A word that is none, and two that changed places.
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abuot",
      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about abandon",
    ])
  func badSeed(text: String) throws {
    try self.given(passKeys: "1 \(Self.keyA)", seed: text)
    let fault = try #require(throws: KeysFault.self) { try self.keys.open() }
    #expect(fault.path == "treasury-seed")
    #expect(!fault.description.contains("abandon"))
  }

  private func given(lock number: Int, _ text: String) throws {
    if try FileManager.default.contentsOfDirectory(atPath: self.folder.path).isEmpty {
      try self.given(passKeys: "1 \(Self.keyA)")
    }
    try self.folder.write("keys/lock-\(number)", text)
  }

  @Test("a lock key is made when it is needed, and only then")
  func lockMade() throws {
    #expect(try self.keys.open().locks.newest == nil)
    let made = try #require(try self.keys.open(locking: .needed).locks.newest)
    #expect(try self.folder.mode("keys/lock-1") == 0o600)
    #expect(try self.keys.open().locks.newest?.compressed == made.compressed)
    #expect(try self.keys.open(locking: .needed).fingerprints.lockKeys == [1: made.fingerprint])
  }

  @Test("the lock key of the highest number is asked for, and each has its fingerprint")
  func lockRotation() throws {
    for (number, key) in [(2, Self.keyB), (10, Self.keyA), (1, String(repeating: "07", count: 32))] {
      try self.given(lock: number, "# a comment\n\(key)\n")
    }
    let bytes = try #require(Hex.decode(Self.keyA))
    let opened = try self.keys.open(locking: .needed)
    #expect(opened.locks.newest?.compressed == LockKey(bytes)?.compressed)
    #expect(opened.fingerprints.lockKeys.keys.sorted() == [1, 2, 10])
  }

  @Test(
    "a lock key that is none is refused, and not repeated in the reason",
    arguments: ["", "b2b2", String(repeating: "00", count: 32), String(repeating: "b2", count: 33)])
  func badLock(text: String) throws {
    try self.given(lock: 1, text)
    let fault = try #require(throws: KeysFault.self) { try self.keys.open() }
    #expect(fault.path == "lock-1")
    #expect(!fault.description.contains("b2b2"))
  }

  @Test(
    "other files beside them are no lock keys",
    arguments: ["lock-", "lock-0", "lock-01", "lock-x", "lock-1.bak", "clock-1"])
  func otherFiles(name: String) throws {
    try self.given(lock: 1, Self.keyB)
    try self.folder.write("keys/" + name, "no key")
    #expect(try self.keys.open().fingerprints.lockKeys.keys.sorted() == [1])
  }
}
