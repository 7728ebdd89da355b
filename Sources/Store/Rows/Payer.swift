package import Gate

/// Who paid, as far as the scheme tells, and by what he is known again.
package struct Payer: Hashable, Sendable {
  package var bearing: Bearing
  package var address: String?
  /// Nil once the payment was refused: the name is free again.
  package var name: PaymentName?

  package init(bearing: Bearing = .payload, address: String? = nil, name: PaymentName? = nil) {
    self.bearing = bearing
    self.address = address
    self.name = name
  }

  /// Whether whoever presents a paid payment like this may have what it bought.
  package func isBearer(showing shown: Bearing) -> Bool {
    switch (self.bearing, shown) {
    case (.payload, _): true
    case (.secret(let kept), .secret(let hash)): kept == hash
    case (.secret, .payload), (.secret, .firstPresentation), (.firstPresentation, _): false
    }
  }

  /// Whether whoever presents a refused payment may have it tried again: with a secret only he who has it.
  package func mayPresentAgain(showing shown: Bearing) -> Bool {
    switch self.bearing {
    case .secret: self.isBearer(showing: shown)
    case .payload, .firstPresentation: true
    }
  }
}
