package import Gate
internal import JSON

/// Redeemed money in the form a wallet takes.
package enum TreasuryToken {
  /// A V4 token of proceeds of one mint and unit. Nil for none, for several mints or units, and for rows that
  /// are not ours.
  package static func text(for proceeds: [Proceeds]) -> String? {
    guard let first = proceeds.first,
      proceeds.allSatisfy({ $0.counterpart == first.counterpart && $0.value.unit == first.value.unit })
    else { return nil }
    let proofs = proceeds.compactMap { row in
      (try? JSONReader.read(row.bearer)).flatMap { try? ProofJSON.read($0) }
    }
    guard proofs.count == proceeds.count else { return nil }
    let entry = UnverifiedToken.Entry(mint: first.counterpart, proofs: proofs)
    return TokenWriter.writeV4(UnverifiedToken(entries: [entry], unit: first.value.unit.name))
  }
}
