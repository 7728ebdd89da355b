/// A machine's name: 16 characters of base32 in lower case (RFC 4648 §6), 80 random bits. No secret.
public struct WorkloadID: Hashable, Sendable, CustomStringConvertible {
  public static let characterCount = 16

  public let text: String

  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  /// Nil for any other form.
  public init?(_ text: String) {
    guard text.utf8.count == Self.characterCount, text.utf8.allSatisfy(Self.alphabet.contains) else {
      return nil
    }
    self.text = text
  }

  private init(valid text: String) { self.text = text }

  public static func random() -> WorkloadID {
    let characters = (0..<Self.characterCount).map { _ in Self.alphabet[Int.random(in: 0..<32)] }
    return WorkloadID(valid: String(decoding: characters, as: UTF8.self))
  }

  public var description: String { self.text }

  private static let podPrefix = "wl-"

  /// Its name to people and to apps (`X-Provisioned-Pod`), and in the cluster: `wl-<id>`.
  public var podName: String { Self.podPrefix + self.text }

  /// Nil for what is no name of ours.
  public init?(podName: String) {
    guard podName.hasPrefix(Self.podPrefix) else { return nil }
    self.init(String(podName.dropFirst(Self.podPrefix.count)))
  }

  /// By either name, as people write it: `wl-<id>` or `<id>`. Nil for what is no name of ours.
  public init?(named name: String) {
    guard let id = WorkloadID(podName: name) ?? WorkloadID(name) else { return nil }
    self = id
  }

  /// What a name of ours looks like, for people.
  public static let form =
    "A machine's name is wl- and \(characterCount) of a-z and 2-7; wl- may be left out."
}

/// The term of one machine: a row that is written before the machine exists and kept when it is gone.
///
/// Its end is its grant's end, so that a top-up of the one moves the other.
public struct Lease: Hashable, Sendable {
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// Paid and written down; nothing exists yet.
    case ordered
    /// A process makes it.
    case starting
    /// It takes logins.
    case ready
    /// It is being removed: its time is over, or its owner or operator ended it.
    case expiring
    case gone
    /// It could not be made, or died before its time; what was paid for is credit.
    case failed

    public var isLive: Bool {
      switch self {
      case .ordered, .starting, .ready, .expiring: true
      case .gone, .failed: false
      }
    }
  }

  public var id: WorkloadID
  public var serial: Serial
  /// The payment that opened its grant.
  public var payment: PaymentID
  public var spec: WorkloadSpecName
  public var wishes: WorkloadWishes
  /// The name of the backend that has it: `local`, `kubernetes`.
  public var backend: String
  public var state: State
  public var ordered: Timestamp
  public var readySince: Timestamp?
  /// When the paid time ends (a revoked grant's: when it was revoked); for one that is not live, when it ended.
  public var end: Timestamp
  /// Its grant's; a revoked one pays for no machine.
  public var revoked: GrantRecord.Revocation
  /// The end that the backend was told last; another than `end` must be told.
  public var toldEnd: Timestamp?
  /// Where its SSH listens; nil until prepared.
  public var port: UInt16?
  /// Its public host key as in `known_hosts` (`ssh-ed25519 AAAA…`); nil until prepared.
  public var hostKey: String?
  /// The backend's own name of what runs (pid and start time, uid of a Job); nil until started.
  public var handle: String?
  /// Who makes it or looks after it.
  public var owner: Owner?
  /// Unused time of its grant's newest, once that ends or has ended; a new machine has it.
  public var credit: Duration
  /// Why it failed or went, for its owner.
  public var note: String?
  /// Counts changes; what compare-and-set compares.
  public var version: UInt32

  public init(
    id: WorkloadID, serial: Serial, payment: PaymentID, spec: WorkloadSpecName, wishes: WorkloadWishes,
    backend: String, state: State = .ordered, ordered: Timestamp, readySince: Timestamp? = nil,
    end: Timestamp, revoked: GrantRecord.Revocation = .valid, toldEnd: Timestamp? = nil,
    port: UInt16? = nil, hostKey: String? = nil, handle: String? = nil, owner: Owner? = nil,
    credit: Duration = .zero, note: String? = nil, version: UInt32 = 0
  ) {
    self.id = id
    self.serial = serial
    self.payment = payment
    self.spec = spec
    self.wishes = wishes
    self.backend = backend
    self.state = state
    self.ordered = ordered
    self.readySince = readySince
    self.end = end
    self.revoked = revoked
    self.toldEnd = toldEnd
    self.port = port
    self.hostKey = hostKey
    self.handle = handle
    self.owner = owner
    self.credit = credit
    self.note = note
    self.version = version
  }
}
