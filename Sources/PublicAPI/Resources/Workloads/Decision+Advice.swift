internal import Gate

extension Decision {
  /// What who asked for a machine and got none can do about it, for people; nil where the reason says it.
  var advice: String? {
    switch self {
    case .allow: nil
    case .paymentRequired(let demand):
      switch demand.reason {
      case .paymentRequired: "Send a payment; /v1/offers tells the prices."
      case .pass(.otherRoute):
        "This pass is another route's, and gets no machine of this kind: name the kind that it is for, or pay."
      case .pass(.expired), .pass(.used): "Nothing is left of what was paid: pay for another machine."
      case .pass(.revoked): "What was paid was revoked: pay for another machine."
      case .pass(.invalid): "This is no pass of ours: send it as it was printed, or pay."
      case .rejected: nil
      }
    case .deny(.otherRoute):
      "This payment bought something else: present it there, or send another one."
    case .deny(.notBearer):
      "This payment may be read by others: show the secret of its challenge, or the pass that it bought."
    case .deny(.payment): "This payment can never be accepted here; it was not taken."
    case .deny: nil
    case .unavailable(let outage):
      outage.code == .noVacancy
        ? "No machine can be had now, and nothing was taken: send the same payment later."
        : "Send the same payment again; do not pay twice."
    }
  }
}
