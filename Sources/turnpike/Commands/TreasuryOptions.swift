internal import ArgumentParser
internal import Cashu
internal import Gate
internal import Glibc
internal import Outbound
internal import Settings
internal import Store

/// Which treasury a command works on: that of a configuration file.
struct TreasuryOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
  var config: String = "turnpike.yaml"

  /// Whether a store is made where there is none.
  enum Absence { case isAFault, isMade }

  /// What a command works with.
  struct Opened {
    var treasury: Treasury
    var ledger: TransactionalLedger
    var unit: Amount.Unit
  }

  /// Opens keys, store and mints, lets `work` do its part, and closes the connections. A ``TreasuryFault`` ends the
  /// command with its sentence.
  func run(
    absent: Absence = .isAFault, _ work: (Opened) async throws -> Void
  ) async throws {
    let configuration = try ConfigurationFile(path: self.config).load()
    guard let cashu = configuration.cashu else {
      Complaint.say("\(self.config): payments.cashu is not configured, so there is no treasury.")
      throw ConfigurationFile.faultyConfiguration
    }
    if case .sqlite(let path) = configuration.store, absent == .isAFault, unsafe access(path, F_OK) != 0 {
      Complaint.say("\(path): \(SystemError.text(errno)); has Turnpike been started with this store?")
      throw ExitCode.failure
    }
    let crashPoints = CrashPoints.fromEnvironment(ConfigurationFile.environment)
    let (ledger, keys) = try await self.book(configuration, crashPoints)
    let outbound = OutboundHTTP()
    do {
      let desk = MintDesk(
        configuration: try cashu.makeConfiguration(), seed: keys.seed, locks: keys.locks, transport: outbound,
        clock: SystemClock())
      try await work(
        Opened(
          treasury: Treasury(desk: desk, book: ledger, crashPoints: crashPoints), ledger: ledger,
          unit: cashu.unit.amountUnit))
    } catch {
      await outbound.shutdown()
      guard let fault = error as? TreasuryFault else { throw error }
      Complaint.say(fault.sentence)
      throw fault.exitCode
    }
    await outbound.shutdown()
  }

  /// The store with the keys that it belongs to.
  private func book(
    _ configuration: ServerConfiguration, _ crashPoints: CrashPoints
  ) async throws -> (TransactionalLedger, KeysDirectory.Opened) {
    do {
      let keys = try KeysDirectory(path: configuration.keysDirectory).open(locking: configuration.locking)
      let ledger: TransactionalLedger =
        switch configuration.store {
        case .sqlite(let path):
          try SQLiteLedger.open(at: path, clock: SystemClock(), crashPoints: crashPoints)
        case .postgreSQL(let location):
          try PostgreSQLLedger.open(url: location.reveal(), clock: SystemClock(), crashPoints: crashPoints)
        }
      try await ledger.check(keys.fingerprints)
      return (ledger, keys)
    } catch let fault as KeysFault {
      Complaint.say("The keys cannot be used: \(fault)")
    } catch let mismatch as KeyMismatch {
      Complaint.say("The store belongs to other keys: \(mismatch)")
    } catch let outage as Outage {
      Complaint.say("The store does not answer: \(outage.message)")
    }
    throw ExitCode.failure
  }
}

extension TreasuryFault {
  /// sysexits.h, `EX_TEMPFAIL`, where the end is not known; else plain failure.
  var exitCode: ExitCode {
    switch self {
    case .unfinished, .stuck: ExitCode(75)
    default: .failure
    }
  }
}

/// The options of a command that takes money from one mint.
struct TreasurySource: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The mint whose money it is; without it the first that holds enough.", valueName: "url"))
  var mint: String?
}
