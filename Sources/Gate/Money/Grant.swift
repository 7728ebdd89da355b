/// The right that a payment bought: one row, one balance, whoever bears it (payment, pass or cookie).
public struct GrantRecord: Hashable, Sendable {
  public var serial: Serial
  public var payment: PaymentID
  public var scope: GrantScope
  public var paid: Amount
  /// Uses bought; nil when only time counts.
  public var uses: UInt32?
  public var usesTaken: UInt32
  /// When the time bought ends; nil when only uses count.
  public var end: Timestamp?
  /// Time bought that does not run, for its machine is gone: the next one has it. Nil while `end` counts.
  public var unused: Duration?
  public var revoked: Revocation
  public var payer: String?
  public var receipt: Receipt?

  public enum Revocation: String, Hashable, Sendable { case valid, revoked }

  public init(
    serial: Serial, payment: PaymentID, scope: GrantScope, paid: Amount, uses: UInt32?, usesTaken: UInt32,
    end: Timestamp?, unused: Duration? = nil, revoked: Revocation = .valid, payer: String? = nil,
    receipt: Receipt? = nil
  ) {
    self.serial = serial
    self.payment = payment
    self.scope = scope
    self.paid = paid
    self.uses = uses
    self.usesTaken = usesTaken
    self.end = end
    self.unused = unused
    self.revoked = revoked
    self.payer = payer
    self.receipt = receipt
  }
}

/// What an amount buys under a tariff; credit below one use stays on the payment's row.
public struct Purchase: Hashable, Sendable {
  public var uses: UInt32?
  public var time: Duration?

  /// The most uses one payment may buy; more would only be credit nobody takes.
  public static let maxUses: UInt64 = 1_000_000
  /// The longest time one payment may buy: ten years, so that no end overflows.
  public static let maxTime: Duration = .seconds(10 * 366 * 86_400)

  /// Nil when the amount is below the price, or in a unit that the tariff has no price in.
  public init?(of paid: Amount, under tariff: Tariff) {
    guard let price = tariff.price(in: paid.unit), price.value > 0 else { return nil }
    let times = paid.value / price.value
    switch tariff.terms {
    case .uses(let uses):
      guard times > 0 else { return nil }
      self.uses = Self.uses(times, each: uses)
    case .duration(let duration):
      guard times > 0 else { return nil }
      self.time = Self.time(times, each: duration)
    case .usesWithin(let uses, let duration):
      guard times > 0 else { return nil }
      self.uses = Self.uses(times, each: uses)
      self.time = Self.time(times, each: duration)
    case .rate(let per, let least):
      let product = paid.value.multipliedFullWidth(by: UInt64(max(0, per.inMilliseconds)))
      guard product.high < price.value else {
        self.time = Self.maxTime
        return
      }
      let milliseconds = price.value.dividingFullWidth((product.high, product.low)).quotient
      guard milliseconds >= UInt64(max(1000, least.inMilliseconds)) else { return nil }
      self.time = .milliseconds(Int64(min(milliseconds, UInt64(Self.maxTime.inMilliseconds))))
    }
  }

  private static func uses(_ times: UInt64, each: UInt32) -> UInt32 {
    UInt32(
      min(
        self.maxUses,
        times.multipliedReportingOverflow(by: UInt64(each)).overflow ? .max : times * UInt64(each)))
  }

  private static func time(_ times: UInt64, each: Duration) -> Duration {
    let limit = UInt64(self.maxTime.inMilliseconds)
    let (product, overflow) = times.multipliedReportingOverflow(by: UInt64(max(0, each.inMilliseconds)))
    return .milliseconds(Int64(overflow ? limit : min(product, limit)))
  }
}

/// One presentation of a grant.
public struct UseRequest: Sendable {
  public var serial: Serial
  /// The proxy-made identity of the request, bound to adapter, method, host and path; nil means no repeats.
  public var request: RequestKey?
  public var lease: Duration
  public var intent: Intent

  public enum Intent: Sendable {
    case take
    /// Takes nothing (HEAD, and the challenge endpoints).
    case look
    /// Only the same request again: the bearer may not take another use.
    case again
  }

  public init(serial: Serial, request: RequestKey?, lease: Duration, intent: Intent = .take) {
    self.serial = serial
    self.request = request
    self.lease = lease
    self.intent = intent
  }
}

/// A request as the proxy made it: the same page asked twice by one proxy has the same key, nothing else has.
public struct RequestKey: Hashable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }
}

/// A use that an allow takes, until the answer has been written.
public struct TakenUse: Hashable, Sendable {
  public var serial: Serial
  /// 0-based.
  public var number: UInt32
  /// Which delivery of this use; the report of an earlier one changes nothing. From 1.
  public var attempt: UInt32

  public init(serial: Serial, number: UInt32, attempt: UInt32 = 1) {
    self.serial = serial
    self.number = number
    self.attempt = attempt
  }
}

public enum UseDelivery: Sendable { case written, lost }

/// The answer to a presentation.
public enum UseOutcome: Sendable {
  /// `delivering` is durable: write the allow, then report.
  case taken(TakenUse, GrantRecord)
  /// The same request again within its 60 s and ten times; nothing is counted.
  case repeated(GrantRecord)
  /// Time is left; nothing is counted.
  case time(GrantRecord)
  /// `look` only: a use is left.
  case available(GrantRecord)
  /// All are taken, and the answer of one is still on its way out: if it does not arrive, that use returns.
  case delivering(GrantRecord)
  case exhausted
  case expired
  case revoked
  case missing
}
