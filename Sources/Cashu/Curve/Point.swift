internal import Secp256k1

/// A point of secp256k1 that is not infinity: `Y`, `B_`, `C_`, `C`, a mint's key.
package struct Point: Sendable, Equatable {
  package static let byteCount = 33

  private let key: Curve.Key

  private init(_ key: Curve.Key) { self.key = key }

  /// Reads the compressed form, 33 bytes (SEC 1 §2.3.4). Nil for any other form and for bytes that are no
  /// point.
  package init?(compressed bytes: [UInt8]) {
    guard bytes.count == Self.byteCount, let key = Curve.shared.parse(bytes) else { return nil }
    self.key = key
  }

  /// `scalar·G`.
  package init(generatorTimes scalar: Scalar) { self.key = Curve.shared.generator(times: scalar.bytes) }

  package var compressed: [UInt8] { Curve.shared.serialize(self.key, compressed: true) }
  package var uncompressed: [UInt8] { Curve.shared.serialize(self.key, compressed: false) }

  package var negated: Point { Point(Curve.shared.negate(self.key)) }

  package func times(_ scalar: Scalar) -> Point { Point(Curve.shared.multiply(self.key, by: scalar.bytes)) }

  /// The sum; nil at infinity.
  package func adding(_ other: Point) -> Point? { Curve.shared.add(self.key, other.key).map { Point($0) } }

  /// `self + scalar·G`; nil at infinity.
  package func adding(generatorTimes scalar: Scalar) -> Point? {
    Curve.shared.add(generatorTimes: scalar.bytes, to: self.key).map { Point($0) }
  }

  /// `scalar·self + other·G`, faster than both apart; nil at infinity. For public numbers only.
  package func times(_ scalar: Scalar, addingGeneratorTimes other: Scalar) -> Point? {
    Curve.shared.sum(of: self.key, times: scalar.bytes, andGeneratorTimes: other.bytes).map { Point($0) }
  }

  package static func == (a: Point, b: Point) -> Bool { Curve.shared.areEqual(a.key, b.key) }
}
