package import Logging
internal import Synchronization

/// What is the same for every logger of the process; a reload changes its level.
package final class LogSettings: Sendable {
  package enum Format: Sendable { case text, json }

  package let format: Format
  fileprivate let sink: any LogSink
  fileprivate let now: @Sendable () -> Int64
  private let lowest: Mutex<Logger.Level>

  /// - Parameter now: milliseconds since 1970.
  package init(
    format: Format, level: Logger.Level, sink: any LogSink = StandardError(),
    now: @escaping @Sendable () -> Int64 = { LogTime.now() }
  ) {
    self.format = format
    self.sink = sink
    self.now = now
    self.lowest = Mutex(level)
  }

  package var level: Logger.Level {
    get { self.lowest.withLock { $0 } }
    set { self.lowest.withLock { $0 = newValue } }
  }

  package func logger(_ label: String) -> Logger {
    Logger(label: label) { _ in LineLogHandler(label: label, settings: self) }
  }
}

/// The names that fields have in every line.
package enum LogField {
  /// The request's identity, made by the proxy.
  package static let request = "request"
  package static let payment = "payment"
  package static let route = "route"
  package static let reason = "reason"
}

/// One line an event: `time level logger message key=value …`, or the same as a JSON object.
struct LineLogHandler: LogHandler {
  let label: String
  let settings: LogSettings
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private var ownLevel: Logger.Level?

  init(label: String, settings: LogSettings) {
    self.label = label
    self.settings = settings
  }

  var logLevel: Logger.Level {
    get { self.ownLevel ?? self.settings.level }
    set { self.ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { self.metadata[key] }
    set { self.metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = self.metadata
    if let provided = self.metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let given = event.metadata { fields.merge(given) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    let time = LogTime.text(self.settings.now())
    var line =
      switch self.settings.format {
      case .text: self.text(event, time, fields)
      case .json: self.json(event, time, fields)
      }
    line += "\n"
    self.settings.sink.write(Array(line.utf8))
  }

  private func text(_ event: LogEvent, _ time: String, _ fields: Logger.Metadata) -> String {
    var line = "\(time) \(event.level.rawValue) \(self.label) \(LogText.escaped(event.message.description))"
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line += " \(LogText.value(key))=\(LogText.value(value.description))"
    }
    return line
  }

  private func json(_ event: LogEvent, _ time: String, _ fields: Logger.Metadata) -> String {
    let own = [
      ("time", time), ("level", event.level.rawValue), ("logger", self.label),
      ("message", event.message.description),
    ]
    // A field with a name of ours would make two members of one name, and which counts is for the reader to guess.
    let names = Set(own.map(\.0))
    let others = fields.sorted { $0.key < $1.key }.map {
      (names.contains($0.key) ? $0.key + "_" : $0.key, $0.value.description)
    }
    let members = (own + others).map { "\"\(LogText.escaped($0.0))\":\"\(LogText.escaped($0.1))\"" }
    return "{" + members.joined(separator: ",") + "}"
  }
}
