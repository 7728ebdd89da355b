/// Where machines are ordered: what the gate and the public API ask of the provisioner.
public protocol WorkloadOffice: Sendable {
  /// Whether a machine of this kind could be had now; asked before money is taken, so that none is taken in vain.
  func vacancy(for spec: WorkloadSpecName) -> Vacancy

  /// What is wrong with a buyer's wishes; asked before money is taken. Nil where all can be had.
  func check(_ wishes: WorkloadWishes, for spec: WorkloadSpecName) -> WishFault?

  /// The machine of a grant: writes the order down, has it made, and does not wait for it.
  func present(_ order: WorkloadOrder) async throws(Outage) -> WorkloadStanding

  /// The grant was topped up, or revoked: its machine is told soon.
  func changed(_ serial: Serial)

  /// The time that the next machine of a grant has; nil while one runs, and where none is left.
  func timeKept(of serial: Serial) async throws(Outage) -> Duration?

  func lease(_ id: WorkloadID) async throws(Outage) -> Lease?
  /// The newest of a grant.
  func lease(of serial: Serial) async throws(Outage) -> Lease?
  func lease(boughtBy payment: PaymentID) async throws(Outage) -> Lease?
  /// Newest first.
  func leases(limit: Int) async throws(Outage) -> [Lease]

  /// How to log in. Sets the proposed password on the machine, where one is given: the one before is void, sessions
  /// go on. Answers that are given at the same time hold one password.
  ///
  /// Waits until the machine exists with that password, and without one until it has a port and a host key, at most
  /// until `deadline`; nil for one that is gone or failed.
  func access(
    to id: WorkloadID, setting password: ProposedPassword?, until deadline: ContinuousClock.Instant
  ) async throws(Outage) -> WorkloadAccess?

  /// Has a live machine take logins by this key, which ``check(_:for:)`` found good, and by no other that its buyer
  /// brought before. Who asks for access after it is answered when the machine has it.
  func setKey(_ key: String, of id: WorkloadID) async throws(Outage)

  /// Ends a machine before its time; its unused time is credit. Returns when nobody can log in any more. Nil for an
  /// unknown one.
  func end(_ id: WorkloadID, note: String) async throws(Outage) -> Lease?

  /// As health and offers show it, without asking anybody.
  var condition: OfficeCondition { get }
}

extension WorkloadOffice {
  public var condition: OfficeCondition { OfficeCondition() }
}

/// What anyone may know of the place where machines run.
public struct OfficeCondition: Hashable, Sendable {
  /// Machines that are not gone.
  public var live: Int
  /// What a machine here does not limit or hide; empty for all that is promised.
  public var reducedIsolation: [String]
  /// Why none can be made now; nil where they can. For the operator: it may name paths.
  public var fault: String?
  /// Kinds that can never be made here, with the reason.
  public var impossible: [WorkloadSpecName: String]

  public init(
    live: Int = 0, reducedIsolation: [String] = [], fault: String? = nil,
    impossible: [WorkloadSpecName: String] = [:]
  ) {
    self.live = live
    self.reducedIsolation = reducedIsolation
    self.fault = fault
    self.impossible = impossible
  }
}

public enum Vacancy: Hashable, Sendable {
  case open
  /// All ports or the configured number are taken.
  case full(retryAfterSeconds: Int)
  /// The backend does not work, or does not know this kind; the reason is for the log.
  case unavailable(String, retryAfterSeconds: Int = 30)
}

/// Why a machine cannot be had as its buyer wishes it: a fault of the request (400).
public enum WishFault: Hashable, Sendable {
  /// Not `[a-z_][a-z0-9_-]{0,30}`, or a name that the system has itself.
  case username
  /// Not one line of `authorized_keys` without options and of a type that is taken.
  case publicKey
  /// Not one of the images of this kind.
  case image
  /// No such kind is sold here.
  case spec

  /// For the buyer.
  public var text: String {
    switch self {
    case .username: "The user name must match [a-z_][a-z0-9_-]{0,30} and be no name of the system's own."
    case .publicKey:
      "The public key must be one line of authorized_keys without options: ssh-ed25519, ecdsa-sha2-nistp256/384/521, "
        + "ssh-rsa of 2048 bits or more, or a security key (sk-)."
    case .image: "The image is not one of those offered for this kind of machine."
    case .spec: "No machine of this kind is offered."
    }
  }
}

public enum WorkloadStanding: Hashable, Sendable {
  /// Made by this order, or there before.
  case lease(Lease, Presentation)
  /// Its time is over and no credit is left.
  case over
  case revoked
  /// The grant is another route's.
  case otherRoute
}

/// Whether an order opened the machine that it is answered with.
public enum Presentation: Hashable, Sendable { case first, again }

/// The password of a machine, in clear: a secret.
public struct WorkloadPassword: Sendable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }
  public var description: String { "<redacted>" }
}

/// A password for whoever asked at a moment. An answer holds until someone asks after it: who asked before it was
/// given is told the same password.
public struct ProposedPassword: Sendable {
  public var password: WorkloadPassword
  public var asked: ContinuousClock.Instant

  public init(_ password: WorkloadPassword, asked: ContinuousClock.Instant = .now) {
    self.password = password
    self.asked = asked
  }
}

/// All that its owner needs to log in.
public struct WorkloadAccess: Sendable {
  public var lease: Lease
  /// The name or address that buyers reach the host by.
  public var host: String
  public var port: UInt16
  public var username: String
  /// A `known_hosts` line: `[host]:port ssh-ed25519 AAAA…`.
  public var knownHosts: String
  /// `SHA256:…`, as `ssh` shows it.
  public var fingerprint: String
  /// What a machine here does not limit or hide; empty for all that is promised.
  public var reducedIsolation: [String]
  public var password: PasswordSetting

  /// What became of the password that was to be set.
  public enum PasswordSetting: Sendable {
    /// None was given.
    case untouched
    /// The machine has this one.
    case set(WorkloadPassword)
    /// This machine takes none while it runs: what it was made with goes on.
    case refused
  }

  public init(
    lease: Lease, host: String, port: UInt16, username: String, knownHosts: String, fingerprint: String,
    reducedIsolation: [String] = [], password: PasswordSetting = .untouched
  ) {
    self.lease = lease
    self.host = host
    self.port = port
    self.username = username
    self.knownHosts = knownHosts
    self.fingerprint = fingerprint
    self.reducedIsolation = reducedIsolation
    self.password = password
  }
}
