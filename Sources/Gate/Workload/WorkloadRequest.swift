public import Octets

/// A machine asked for without a proxy between.
public struct WorkloadRequest: Sendable {
  /// The same header fields as at a proxy: one offer, `Turnpike-Pass`, or both.
  public var fields: FieldList
  public var client: ClientAddress?
  /// Nil for that of the payment or pass where it is known, else the first on offer.
  public var spec: WorkloadSpecName?
  public var wishes: WorkloadWishes
  public var deadline: ContinuousClock.Instant?

  public init(
    fields: FieldList, client: ClientAddress?, spec: WorkloadSpecName? = nil,
    wishes: WorkloadWishes = WorkloadWishes(), deadline: ContinuousClock.Instant? = nil
  ) {
    self.fields = fields
    self.client = client
    self.spec = spec
    self.wishes = wishes
    self.deadline = deadline
  }

  var access: AccessRequest {
    AccessRequest(
      adapter: .publicAPI, method: .post, target: [UInt8](), host: [UInt8]?.none, id: [UInt8]?.none,
      client: self.client, fields: self.fields, deadline: self.deadline)
  }
}

public enum WorkloadAnswer: Sendable {
  /// By a payment its grant's pass comes with it; `first` where the machine was made for this request.
  case machine(Lease, ExchangedPass?, Presentation)
  case faulty(WishFault)
  case refused(Judgement)
}
