/// The blind Diffie-Hellman exchange (NUT-00): `B_ = Y + rG`, `C_ = kB_`, `C = C_ − rK`.
package enum Blinding {
  /// `B_`. Nil when `r` happens to be the opposite of `Y`'s logarithm, which nobody can arrange.
  package static func blind(_ secret: Secret, factor r: Scalar) -> Point? {
    Point.hashToCurve(secret.utf8).adding(generatorTimes: r)
  }

  /// `C`. Nil when the mint's answer cancels out.
  package static func unblind(_ blinded: Point, factor r: Scalar, mintKey: Point) -> Point? {
    blinded.adding(mintKey.times(r).negated)
  }
}
