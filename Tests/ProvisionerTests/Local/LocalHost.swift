import Foundation
import Gate
import Glibc
import Provisioner
import Testing

/// This machine as the local backend finds it, in a folder of the test's own; all machines are gone with it.
final class LocalHost: Sendable {
  struct Clock: TimeSource {
    func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
  }

  let folder: String
  let backend: LocalBackend
  let report: BackendReport

  init(
    ports: ClosedRange<UInt16>, folder: String? = nil, programs: LocalPrograms = LocalPrograms()
  ) async throws {
    self.folder = folder ?? "/tmp/turnpike-local-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    self.backend = try LocalBackend(
      LocalConfiguration(folder: self.folder, ports: ports, address: "127.0.0.1", programs: programs),
      clock: Clock())
    self.report = await self.backend.examine()
  }

  /// A lease as its row is before anything was made.
  static func lease(
    minutes: Int = 60, seconds: Int? = nil, username: String? = nil, key: String? = nil
  ) -> Lease {
    let now = Clock().now()
    return Lease(
      id: .random(), serial: Serial(1), payment: PaymentID("00"), spec: WorkloadSpecName("small"),
      wishes: WorkloadWishes(username: username, publicKey: key), backend: "local", ordered: now,
      end: now + .seconds(seconds ?? 60 * minutes))
  }

  static let spec = WorkloadSpec(name: WorkloadSpecName("small"))

  /// Prepared and started, with a password.
  func machine(
    _ lease: Lease = LocalHost.lease(), spec: WorkloadSpec = LocalHost.spec, key: String? = nil
  ) async throws -> Machine {
    var lease = lease
    let prepared = try await self.backend.prepare(lease, spec)
    lease.port = prepared.port
    lease.hostKey = prepared.hostKey
    let password = "pw-\(UInt64.random(in: 0...UInt64.max))"
    lease.handle = try await self.backend.start(
      lease, spec,
      credentials: WorkloadCredentials(password: WorkloadPassword(password), publicKey: key))
    return Machine(lease: lease, password: password, folder: self.folder)
  }

  func close() async {
    for id in (try? await self.backend.inventory()) ?? [] { try? await self.backend.remove(id, handle: nil) }
    try? FileManager.default.removeItem(atPath: self.folder)
  }
}

/// Runs a test with a host, and removes all that it made.
func withLocalHost<R>(
  _ ports: ClosedRange<UInt16>, folder: String? = nil, programs: LocalPrograms = LocalPrograms(),
  _ body: (LocalHost) async throws -> R
) async throws -> R {
  let host = try await LocalHost(ports: ports, folder: folder, programs: programs)
  if case .unfit(let reason) = host.report.fitness {
    Issue.record("this host runs no machines: \(reason)")
  }
  let result = await Result { () async throws in try await body(host) }
  await host.close()
  return try result.get()
}

extension Result where Failure == any Error {
  /// What the body returns or throws.
  init(_ body: () async throws -> Success) async {
    do {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }
}

/// One machine and a way to log in to it with the stock client.
struct Machine: Sendable {
  var lease: Lease
  var password: String
  let folder: String

  var path: String { "\(self.folder)/\(self.lease.id.text)" }
  var port: UInt16 { self.lease.port ?? 0 }
  var user: String { self.lease.wishes.username ?? "dev" }
  var pid: Int32 { Int32(self.lease.handle?.split(separator: "/")[1] ?? "") ?? 0 }

  /// What `ssh` and `scp` have in common; the host key must be the one that was promised.
  func options(port: String) -> [String] {
    [
      "-o", "UserKnownHostsFile=\(self.knownHosts())", "-o", "StrictHostKeyChecking=yes",
      "-o", "GlobalKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR",
      "-F", "/dev/null", port, "\(self.port)",
    ]
  }

  private func knownHosts() -> String {
    let path = "\(self.folder)/known-\(self.lease.id.text)"
    let line = "[127.0.0.1]:\(self.port) \(self.lease.hostKey ?? "")\n"
    try? line.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private var byPassword: [String] {
    ["-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no"]
  }

  func ssh(_ command: String, options: [String] = []) async throws -> Ran {
    try await Ran.run(
      ["/usr/bin/sshpass", "-e", "/usr/bin/ssh"] + self.options(port: "-p") + self.byPassword + options
        + ["\(self.user)@127.0.0.1", command], environment: ["SSHPASS": self.password])
  }

  func ssh(key file: String, _ command: String) async throws -> Ran {
    try await Ran.run(
      ["/usr/bin/ssh"] + self.options(port: "-p") + ["-o", "BatchMode=yes", "-i", file]
        + ["\(self.user)@127.0.0.1", command])
  }

  func scp(_ arguments: String...) async throws -> Ran {
    try await Ran.run(
      ["/usr/bin/sshpass", "-e", "/usr/bin/scp"] + self.options(port: "-P") + self.byPassword + arguments,
      environment: ["SSHPASS": self.password])
  }
}

/// A program that has run.
struct Ran: Sendable {
  let status: Int32
  let output: String
  let errors: String

  /// On a thread of its own: it blocks.
  static func run(_ words: [String], environment: [String: String] = [:], input: String? = nil) async throws
    -> Ran
  {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try self.runNow(words, environment: environment, input: input) })
      }
    }
  }

  private static func runNow(_ words: [String], environment: [String: String], input: String?) throws -> Ran {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"].merging(environment) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    if let input {
      let pipe = Pipe()
      process.standardInput = pipe
      pipe.fileHandleForWriting.write(Data(input.utf8))
      try pipe.fileHandleForWriting.close()
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let words = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Ran(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: words, as: UTF8.self))
  }
}
