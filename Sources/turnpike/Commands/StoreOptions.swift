internal import ArgumentParser
internal import Gate
internal import Glibc
internal import Settings
internal import Store

/// Which store a command looks at.
struct StoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The configuration file that names the store.", valueName: "file"))
  var config: String = "turnpike.yaml"

  @Option(
    help: ArgumentHelp(
      "The store itself, as `sqlite:PATH` or `postgresql://…`; then no file is read.", valueName: "store"))
  var store: String?

  /// Never makes one: an empty list of a store that is not there would be a lie.
  func open() throws -> TransactionalLedger {
    let location: StoreLocation
    if let store = self.store {
      do throws(StoreLocation.Fault) {
        location = try StoreLocation(store).with(environment: ConfigurationFile.environment)
      } catch {
        Complaint.say("--store: \(error.sentence)")
        throw ExitCode.validationFailure
      }
    } else {
      location = try ConfigurationFile(path: self.config).load().store
    }
    switch location {
    case .sqlite(let path):
      guard unsafe access(path, F_OK) == 0 else {
        Complaint.say("\(path): \(SystemError.text(errno)); has Turnpike been started with this store?")
        throw ExitCode.failure
      }
      return try Self.orFail { () throws(Outage) in try SQLiteLedger.open(at: path, clock: SystemClock()) }
    case .postgreSQL(let location):
      return try Self.orFail { () throws(Outage) in
        try PostgreSQLLedger.open(url: location.reveal(), clock: SystemClock())
      }
    }
  }

  /// Says what an outage says, and ends the command with 1.
  static func orFail<Value>(_ body: () throws(Outage) -> Value) throws -> Value {
    do throws(Outage) {
      return try body()
    } catch {
      Complaint.say("The store does not answer: \(error.message)")
      throw ExitCode.failure
    }
  }

  static func orFail<Value: Sendable>(_ body: () async throws(Outage) -> Value) async throws -> Value {
    do throws(Outage) {
      return try await body()
    } catch {
      Complaint.say("The store does not answer: \(error.message)")
      throw ExitCode.failure
    }
  }
}
