internal import Logging
internal import Settings
internal import Telemetry

extension LogConfiguration {
  var settings: LogSettings {
    LogSettings(format: self.format == .json ? .json : .text, level: self.level.logLevel)
  }
}

extension LogConfiguration.Level {
  /// The same word in swift-log.
  var logLevel: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    case .critical: .critical
    }
  }
}
