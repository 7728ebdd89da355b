import Foundation
import Gate
import Provisioner
import Testing

/// A service in a process of its own (`local-rig`), which a test can end or run as another user.
final class Rig {
  let process = Process()
  let report: String
  let machines: [Machine]
  private let input = Pipe()

  /// - Parameters:
  ///   - user: a user of the host; nil for ours.
  ///   - again: what an earlier one has begun, made after the others.
  init(
    _ ports: ClosedRange<UInt16>, seconds: Int, count: Int, again: [(id: WorkloadID, port: UInt16)] = [],
    folder: String, user: UInt32? = nil
  ) throws {
    let output = try Self.run(
      self.process, ports, seconds: seconds, count: count, again: again, folder: folder, user: user,
      input: self.input)
    var text = ""
    func lines() -> [String] {
      text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("prepared ") }
    }
    while lines().count < 1 + count + again.count || !text.hasSuffix("\n") {
      let piece = output.fileHandleForReading.availableData
      guard !piece.isEmpty else { break }
      text += String(decoding: piece, as: UTF8.self)
    }
    self.report = lines().first ?? ""
    self.machines = lines().dropFirst().compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 7, words[0] == "machine", let id = WorkloadID(words[1]) else { return nil }
      var lease = LocalHost.lease(seconds: seconds)
      lease.id = id
      lease.port = UInt16(words[2])
      lease.handle = words[3]
      lease.hostKey = words[5...].joined(separator: " ")
      return Machine(lease: lease, password: words[4], folder: folder)
    }
  }

  private static func run(
    _ process: Process, _ ports: ClosedRange<UInt16>, seconds: Int, count: Int,
    again: [(id: WorkloadID, port: UInt16)] = [], folder: String, user: UInt32?, input: Pipe
  ) throws -> Pipe {
    // Where any user may run them.
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let built = URL(fileURLWithPath: own).deletingLastPathComponent().path
    for program in ["local-rig", "workload-init"]
    where !FileManager.default.fileExists(atPath: "\(folder)/\(program)") {
      try FileManager.default.copyItem(atPath: "\(built)/\(program)", toPath: "\(folder)/\(program)")
    }
    let state = "\(folder)/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    var words = [
      "\(folder)/local-rig", state, "\(ports.lowerBound)", "\(ports.upperBound)", "\(seconds)", "\(count)",
    ]
    for (id, port) in again { words += [id.text, "\(port)"] }
    if let user {
      try FileManager.default.setAttributes([.ownerAccountID: user], ofItemAtPath: state)
      words = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] + words
    }
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    return output
  }

  /// Of a service that makes one machine after the other, killed a time after a word of it, or after its
  /// start: all that it said.
  static func killed(
    _ ports: ClosedRange<UInt16>, folder: String, user: UInt32?, onceItHas word: String?, after time: Duration
  ) async throws -> [String] {
    let process = Process()
    let output = try self.run(
      process, ports, seconds: 600, count: 5, folder: folder, user: user, input: Pipe())
    var text = ""
    while let word, !text.contains(word) {
      let piece = output.fileHandleForReading.availableData
      guard !piece.isEmpty else { break }
      text += String(decoding: piece, as: UTF8.self)
    }
    try await Task.sleep(for: time)
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    text += String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  /// As `kill -9` does.
  func kill() {
    guard self.process.isRunning else { return }
    Foundation.kill(self.process.processIdentifier, SIGKILL)
    self.process.waitUntilExit()
  }
}

/// Runs a test with such a service and its machines; all are gone after it.
func withRig<R>(
  _ ports: ClosedRange<UInt16>, seconds: Int, count: Int = 1, user: UInt32? = nil,
  _ body: (Rig) async throws -> R
) async throws -> R {
  let folder = "/tmp/turnpike-rig-\(UInt32.random(in: 0...UInt32.max))"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: folder)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let rig = try Rig(ports, seconds: seconds, count: count, folder: folder, user: user)
  #expect(rig.machines.count == count, "\(rig.report)")
  let result = await Result { () async throws in try await body(rig) }
  rig.kill()
  let heir = try await LocalHost(ports: ports, folder: "\(folder)/state")
  for machine in rig.machines {
    try await heir.backend.remove(machine.lease.id, handle: machine.lease.handle)
  }
  return try result.get()
}
