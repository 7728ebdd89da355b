/// Named places where a test ends the process as `kill -9` would; empty in a release.
public struct CrashPoints: Sendable {
  /// In the order a payment passes them.
  public enum Name: String, CaseIterable, Sendable {
    /// Verified; the ledger does not know it.
    case verified
    /// The claim and its plan are durable; nothing was sent.
    case reserved
    /// `settling` is durable; the next thing is the irreversible call.
    case sending
    /// The counterpart has answered; the book does not say so.
    case settled
    /// The grant is durable; no use is taken.
    case concluded
    /// A use is `delivering`; the allow is not written.
    case delivering
    /// The allow was written; `spent` is not.
    case answered
  }

  public static let none = CrashPoints { _ in }

  public let reach: @Sendable (Name) -> Void

  public init(_ reach: @escaping @Sendable (Name) -> Void) { self.reach = reach }
}
