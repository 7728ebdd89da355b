internal import Logging

/// Logs what becomes of mints and facilitators: heard, lacking what the configuration promises, never heard.
struct CounterpartWatch: Sendable {
  static let interval: Duration = .seconds(2)
  /// At the start every one of them has this long to answer.
  static let patience = 5

  private let read: @Sendable () -> [CounterpartReport]
  private let log: Logger

  init(log: Logger, read: @escaping @Sendable () -> [CounterpartReport]) {
    self.log = log
    self.read = read
  }

  /// Until cancelled.
  func run(sleeper: any Clock<Duration> = ContinuousClock()) async {
    var told: [String: CounterpartReport.State] = [:]
    var rounds = 0
    while !Task.isCancelled {
      self.look(&told, rounds: rounds)
      rounds += 1
      try? await sleeper.sleep(for: Self.interval)
    }
  }

  /// One line for each that is not as it was told last.
  func look(_ told: inout [String: CounterpartReport.State], rounds: Int) {
    for report in self.read() where told[report.name] != report.state {
      if report.state == .notHeard, rounds < Self.patience { continue }
      told[report.name] = report.state
      let metadata: Logger.Metadata = ["name": "\(report.name)"]
      switch report.state {
      case .ready: self.log.info("\(report.kind.rawValue) heard", metadata: metadata)
      case .notHeard: self.log.warning("\(report.kind.rawValue) does not answer", metadata: metadata)
      case .lacks(let what):
        self.log.warning(
          "\(report.kind.rawValue) does not do what the configuration promises",
          metadata: metadata.merging(["lacks": "\(what.joined(separator: ", "))"]) { a, _ in a })
      case .unfit(let reason):
        self.log.warning(
          "\(report.kind.rawValue) cannot work",
          metadata: metadata.merging(["reason": "\(reason)"]) { a, _ in a })
      }
    }
  }
}
