/// How an amount is agreed on (x402 `scheme`).
enum Scheme: String, Sendable {
  /// What is asked is what is paid.
  case exact
  /// At most what is asked, as much as was used: known only to who sees the app's answer, so it waits for the
  /// gateway.
  case upto

  var isOffered: Bool { self == .exact }
}
