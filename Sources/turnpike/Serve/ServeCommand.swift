internal import ArgumentParser
internal import Gate
internal import Glibc
internal import Logging
internal import Outbound
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
    let configuration = try file.load(warnings: .said)
    let logs = configuration.log.settings
    let log = logs.logger("turnpike")
    let outbound = OutboundHTTP()
    let server: Server
    do {
      server = try await Server(
        configuration, environment: ConfigurationFile.environment, outbound: outbound,
        metrics: ServerMetrics(),
        log: log)
      try await server.bind()
    } catch {
      await outbound.shutdown()
      Complaint.say("turnpike cannot serve: \((error as? Outage)?.message ?? "\(error)")")
      throw ExitCode.failure
    }
    await server.run(
      signals: ServerSignals.caught(), reload: Reload(file: file, running: configuration, logs: logs))
  }
}
