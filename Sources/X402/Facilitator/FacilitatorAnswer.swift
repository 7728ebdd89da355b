internal import Gate
internal import JSON
internal import Outbound

/// What `/verify` says. It changes nothing, so it can be asked again, and anyone.
enum VerifyAnswer: Sendable, Equatable {
  case valid
  case invalid(Rejection)
  /// No answer about this payment.
  case none(String)

  init(_ reply: OutboundReply) {
    switch reply {
    case .silent(let silence): self = .none("does not answer /verify (\(silence))")
    case .answered(let status, let body, _):
      guard FacilitatorStatus.isJudgement(status), let json = try? JSONReader.read(body),
        let isValid = json["isValid"]?.bool, status == 200 || !isValid
      else {
        self = .none("answers /verify with status \(status) and no verdict")
        return
      }
      guard !isValid else {
        self = .valid
        return
      }
      switch FacilitatorReason(json["invalidReason"]?.string ?? "") {
      case .payers(let rejection): self = .invalid(rejection)
      case .ours(let what): self = .none("refuses our side of it: \(what)")
      case .undecided(let why): self = .none("cannot judge: \(why)")
      case .pending: self = .none("calls it pending before it was settled")
      // Nothing was sent: whoever pays anew does not pay twice.
      case .open: self = .invalid(.invalid)
      }
    }
  }
}

/// What `/settle` says, by what may be concluded from it about the money.
enum SettleAnswer: Sendable, Equatable {
  /// The transaction that moved it.
  case success(transaction: String)
  /// Sent to the chain; perhaps under this name.
  case pending(transaction: String?)
  /// Judged before anything was sent to the chain by this call.
  case refused(Rejection)
  /// It says that this call moved nothing, in words that do not exclude that another did, or that it did
  /// after all (the SDK's calls a settled payment, settled again, "failed").
  case failed(String, transaction: String?)
  /// The call was not looked at.
  case notActedOn(String)
  /// Nothing can be concluded.
  case none(String)

  /// A hash in hex or a signature in base 58.
  private static let maxTransactionLength = 128

  init(_ reply: OutboundReply, networks: [String]) {
    switch reply {
    case .silent(.notSent): self = .notActedOn("cannot be reached")
    case .silent(let silence): self = .none("gave no answer to /settle (\(silence))")
    case .answered(let status, let body, _):
      guard FacilitatorStatus.isJudgement(status) else {
        self =
          FacilitatorStatus.isTurnedAway(status)
          ? .notActedOn("turns /settle away with status \(status)")
          : .none("answers /settle with status \(status)")
        return
      }
      guard let json = try? JSONReader.read(body), let success = json["success"]?.bool else {
        self = .none("answers /settle with something else")
        return
      }
      self.init(json, success: success, status: status, networks: networks)
    }
  }

  private init(_ json: JSON, success: Bool, status: Int, networks: [String]) {
    let transaction = json["transaction"]?.string.flatMap(Self.transaction)
    guard !success else {
      // A success without a transaction, or on another network, is none of ours.
      guard status == 200, let transaction, json["network"]?.string.map(networks.contains) ?? true else {
        self = .none("calls a settlement a success that is not that of this payment")
        return
      }
      self = .success(transaction: transaction)
      return
    }
    switch FacilitatorReason(json["errorReason"]?.string ?? "") {
    case .pending: self = .pending(transaction: transaction)
    case .payers(.spent): self = .failed("says that the nonce is used", transaction: transaction)
    case .payers(let rejection) where transaction == nil: self = .refused(rejection)
    case .ours(let what) where transaction == nil: self = .notActedOn("refuses our side of it: \(what)")
    case .payers, .ours: self = .failed("refuses a payment that it sent", transaction: transaction)
    case .undecided(let why): self = .failed("says: \(why)", transaction: transaction)
    case .open(let text): self = .failed("says \"\(text)\"", transaction: transaction)
    }
  }

  private static func transaction(_ text: String) -> String? {
    guard (1...Self.maxTransactionLength).contains(text.utf8.count),
      text.utf8.allSatisfy({ Base58.isDigit($0) || "0lIOx".utf8.contains($0) })
    else { return nil }
    return text
  }
}

enum FacilitatorStatus {
  /// Failures come as 200 (x402 V2 §7); some answer a payload that they refuse with 400, 402, 409, 412 or
  /// 422.
  static func isJudgement(_ status: Int) -> Bool { [200, 400, 402, 409, 412, 422].contains(status) }

  /// No key, no such path, too many calls: whoever answers so has not read the payment.
  static func isTurnedAway(_ status: Int) -> Bool { [401, 403, 404, 405, 413, 429].contains(status) }
}
