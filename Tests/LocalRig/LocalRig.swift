import Foundation
import Gate
import Provisioner

/// A service of its own, for tests that end it, run it as another user, or run two of it.
///
/// usage: local-rig FOLDER FIRST-PORT LAST-PORT SECONDS COUNT [ID PORT]...
///
/// Says what the host lacks, makes COUNT machines that live SECONDS, and those that an earlier one began;
/// says how to log in to each, and waits for the end of its input.
@main
enum LocalRig {
  struct Clock: TimeSource {
    func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
  }

  static func main() async throws {
    let words = CommandLine.arguments
    guard words.count >= 6, words.count.isMultiple(of: 2), let first = UInt16(words[2]),
      let last = UInt16(words[3]),
      let seconds = Int(words[4]), let count = Int(words[5])
    else { exit(2) }
    let backend = try LocalBackend(
      LocalConfiguration(folder: words[1], ports: first...last, address: "127.0.0.1"), clock: Clock())
    switch await backend.examine().fitness {
    case .full: print("full")
    case .reduced(let sentences): print("reduced \(sentences.joined(separator: " "))")
    case .unfit(let reason): print("unfit \(reason)")
    }
    for _ in 0..<count { try await self.make(backend, seconds: seconds, .random(), port: nil) }
    for index in stride(from: 6, to: words.count, by: 2) {
      guard let id = WorkloadID(words[index]), let port = UInt16(words[index + 1]) else { exit(2) }
      try await self.make(backend, seconds: seconds, id, port: port)
    }
    fflush(nil)
    while readLine() != nil {}
  }

  private static func make(_ backend: LocalBackend, seconds: Int, _ id: WorkloadID, port: UInt16?)
    async throws
  {
    let spec = WorkloadSpec(name: WorkloadSpecName("small"))
    let now = Clock().now()
    var lease = Lease(
      id: id, serial: Serial(1), payment: PaymentID("00"), spec: spec.name, wishes: WorkloadWishes(),
      backend: backend.name, ordered: now, end: now + .seconds(seconds))
    lease.port = port
    do {
      let prepared = try await backend.prepare(lease, spec)
      lease.port = prepared.port
      print("prepared \(lease.id) \(prepared.port)")
      fflush(nil)
      let password = "pw-\(UInt64.random(in: 0...UInt64.max))"
      let handle = try await backend.start(
        lease, spec, credentials: WorkloadCredentials(password: WorkloadPassword(password)))
      print("machine \(lease.id) \(prepared.port) \(handle) \(password) \(prepared.hostKey)")
    } catch {
      print("failed \(error)")
    }
  }
}
