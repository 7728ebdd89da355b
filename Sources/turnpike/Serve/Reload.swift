internal import Logging
internal import Settings
internal import Telemetry

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
