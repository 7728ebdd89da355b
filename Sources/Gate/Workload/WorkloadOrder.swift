/// The name of a kind of machine that is sold: its size and image are configured (`workloads.specs`).
public struct WorkloadSpecName: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }
  public var description: String { self.text }
}

/// A machine that a grant pays for.
public struct WorkloadOrder: Hashable, Sendable {
  /// The grant: one grant has at most one machine at a time.
  public var serial: Serial
  /// Where it is sold: a grant of another route pays for none of its machines, whatever was paid for it.
  public var route: RouteID
  public var spec: WorkloadSpecName
  public var wishes: WorkloadWishes

  public init(
    serial: Serial, route: RouteID, spec: WorkloadSpecName, wishes: WorkloadWishes = WorkloadWishes()
  ) {
    self.serial = serial
    self.route = route
    self.spec = spec
    self.wishes = wishes
  }
}

/// What its buyer may choose of a machine; checked by whoever read it, and kept with the lease.
public struct WorkloadWishes: Hashable, Sendable {
  /// Nil for the configured one.
  public var username: String?
  /// One line of `authorized_keys` without options; nil for none.
  public var publicKey: String?
  /// One of the images that the spec lists; nil for its first.
  public var image: String?
  /// How long it is wanted, within what is paid for; nil for all of that. A top-up adds to it.
  public var duration: Duration?

  public init(
    username: String? = nil, publicKey: String? = nil, image: String? = nil, duration: Duration? = nil
  ) {
    self.username = username
    self.publicKey = publicKey
    self.image = image
    self.duration = duration
  }
}
