/// The counters of the book that outputs take their numbers from (NUT-13).
enum CounterName {
  static func outputs(of keysetID: KeysetID) -> String { "cashu:\(keysetID)" }
}
