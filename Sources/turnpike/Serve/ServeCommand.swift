internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Settings
internal import Telemetry

/// `turnpike serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Answers proxies until told to stop.",
    discussion: """
      SIGHUP reads the file again; a bad new file is reported and the old one stays in force. SIGTERM or SIGINT lets \
      what is open end; a second one exits at once. Exit codes: 0 stopped, 1 cannot serve, 78 bad configuration.
      """
  )

  @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
  var config: String = "turnpike.yaml"

  func run() async throws {
    let file = ConfigurationFile(path: self.config)
    let configuration = try file.load()
    let logs = configuration.log.settings
    let log = logs.logger("turnpike")
    let server: Server
    do {
      server = try await Server(
        configuration, environment: ConfigurationFile.environment, metrics: ServerMetrics(), log: log)
      try await server.bind()
    } catch {
      Complaint.say("turnpike cannot serve: \(error)")
      throw ExitCode.failure
    }
    await server.run(
      signals: ServerSignals.caught(), reload: Reload(file: file, running: configuration, logs: logs))
  }
}

/// Reads the configuration again, at a signal.
struct Reload: Sendable {
  let file: ConfigurationFile
  let running: ServerConfiguration
  let logs: LogSettings

  /// What is in force from now on; nil when the new file is no good, which is said in the log.
  func next(log: Logger) -> ServerConfiguration? {
    switch self.file.read() {
    case .unreadable(let reason):
      log.error(
        "the configuration was not reloaded", metadata: ["file": "\(self.file.path)", "detail": "\(reason)"])
      return nil
    case .faulty(let problems):
      log.error(
        "the configuration was not reloaded; the old one stays in force",
        metadata: ["detail": "\(self.file.explain(problems))"])
      return nil
    case .good(let outcome):
      let new = outcome.configuration
      self.logs.level = new.log.level.logLevel
      let fixed = new.keysThatNeedRestart(since: self.running)
      if !fixed.isEmpty {
        log.warning(
          "some keys changed that only a restart takes over",
          metadata: ["keys": "\(fixed.joined(separator: "; "))"])
      }
      return new
    }
  }
}
