internal import Telemetry

/// What a command says to its user beside its data.
enum Complaint {
  static func say(_ text: String) { StandardError().write(Array((text + "\n").utf8)) }
}
