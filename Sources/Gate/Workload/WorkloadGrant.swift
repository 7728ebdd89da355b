internal import Octets

/// Proof to the public listener that a request was allowed and which machine it is for (`Turnpike-Grant`, design §6), as
/// `tg1.` and the base64url of:
///
/// | bytes | what |
/// |---|---|
/// | 4 | key id |
/// | 8 | end, milliseconds since 1970 |
/// | 16 | id of the machine |
/// | n | the payment that opened its grant |
/// | 32 | HMAC-SHA-256 over `turnpike grant 1`, all before it, and method, host and path of the request |
///
/// Method, host and path are not in it: who checks it has them of the request that it came with. Whoever can send it to
/// the public listener gets the machine's password: a secret.
public struct WorkloadGrant: Sendable {
  public let workload: WorkloadID
  public let payment: PaymentID
  public let end: Timestamp
  /// How long ago the request was allowed.
  public let age: Duration
  /// The same for the same text: 120 bits that only our keys give, as 20 letters of base64url.
  public let password: WorkloadPassword

  /// How long after the allow it may be shown.
  public static let lifetime: Duration = .seconds(60)

  private static let prefix: StaticString = "tg1."
  private static let domain = Array("turnpike grant 1".utf8)
  private static let passwordDomain = Array("turnpike grant password 1".utf8)
  private static let fixedBytes = 28
  private static let codeBytes = 32
  fileprivate static let passwordBytes = 15
  /// Payments are hashes; a longer text is none.
  private static let maxTextBytes = 512

  /// What a grant is bound to.
  struct Occasion {
    var method: RequestMethod
    /// Canonical; empty where the proxy tells none, and then it holds on any.
    var host: String
    var path: CanonicalPath

    fileprivate var bytes: [UInt8] {
      // The lengths in front: no two occasions have the same bytes.
      [self.method.name.utf8.count, self.host.utf8.count].flatMap { UInt32(clamping: $0).bigEndianBytes }
        + Array(self.method.name.utf8) + Array(self.host.utf8) + self.path.bytes
    }
  }

  static func text(
    for workload: WorkloadID, paidBy payment: PaymentID, until end: Timestamp, on occasion: Occasion,
    signedWith key: PassKey
  ) -> String {
    var body = key.id.bigEndianBytes
    body += UInt64(bitPattern: end.milliseconds).bigEndianBytes
    body += Array(workload.text.utf8)
    body += Array(payment.text.utf8)
    let code = key.authenticator.code(for: self.message(body[...], occasion).span)
    return "\(self.prefix)" + Base64.encodeURL(body + code)
  }

  /// Nil for everything but an authentic one, of this occasion, whose end is ahead.
  init?(_ text: ArraySlice<UInt8>, on occasion: Occasion, keys: PassKeys, now: Timestamp) {
    guard text.count <= Self.maxTextBytes, text.startsIgnoringCase(with: Self.prefix),
      let bytes = Base64.decodeURL(text.dropFirst(Self.prefix.utf8CodeUnitCount)),
      bytes.count > Self.fixedBytes + Self.codeBytes,
      let key = keys.key(UInt32(bigEndianBytes: bytes[0..<4])),
      let workload = WorkloadID(String(decoding: bytes[12..<Self.fixedBytes], as: UTF8.self))
    else { return nil }
    let body = bytes.dropLast(Self.codeBytes)
    let code = Array(bytes.suffix(Self.codeBytes))
    var hostless = occasion
    hostless.host = ""
    guard
      [occasion, hostless].contains(where: {
        key.authenticator.isAuthentic(Self.message(body, $0).span, code: code.span)
      })
    else { return nil }
    let end = Timestamp(milliseconds: Int64(bitPattern: UInt64(bigEndianBytes: bytes[4..<12])))
    guard now < end else { return nil }
    self.age = max(.zero, Self.lifetime - (end - now))
    self.workload = workload
    self.payment = PaymentID(String(decoding: body.dropFirst(Self.fixedBytes), as: UTF8.self))
    self.end = end
    let secret = key.authenticator.code(for: (Self.passwordDomain + bytes).span)
    self.password = WorkloadPassword(Base64.encodeURL(secret.prefix(Self.passwordBytes)))
  }

  private static func message(_ body: ArraySlice<UInt8>, _ occasion: Occasion) -> [UInt8] {
    self.domain + UInt32(clamping: body.count).bigEndianBytes + body + occasion.bytes
  }
}

extension Gate {
  /// The machine that an allow was for whose request is now here; nil for any other.
  ///
  /// - Parameters:
  ///   - target: as received, with its query.
  ///   - host: as received; nil for none.
  public func workloadGrant(
    _ text: ArraySlice<UInt8>, method: RequestMethod, target: ArraySlice<UInt8>, host: ArraySlice<UInt8>?
  ) -> WorkloadGrant? {
    guard let path = CanonicalPath(target: target) else { return nil }
    let occasion = WorkloadGrant.Occasion(
      method: method, host: host.flatMap { CanonicalHost($0)?.text } ?? "", path: path)
    return WorkloadGrant(text, on: occasion, keys: self.passKeys, now: self.clock.now())
  }

  /// What an allow tells of its machine.
  func workload(_ lease: Lease, for pending: PendingRequest) -> Assertions.Workload {
    let occasion = WorkloadGrant.Occasion(
      method: pending.request.method, host: pending.place.hostText, path: pending.place.path)
    return Assertions.Workload(
      id: lease.id,
      grant: WorkloadGrant.text(
        for: lease.id, paidBy: lease.payment, until: self.clock.now() + WorkloadGrant.lifetime, on: occasion,
        signedWith: self.passKeys.active))
  }
}

extension WorkloadPassword {
  /// 120 random bits, in the same form.
  public static func random() -> WorkloadPassword {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<WorkloadGrant.passwordBytes).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    return WorkloadPassword(Base64.encodeURL(bytes))
  }
}
