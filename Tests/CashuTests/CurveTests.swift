import Cashu
import Testing

@Suite("Points and scalars")
struct CurveTests {
  /// Small and large.
  static let scalars = [
    [UInt8](repeating: 0, count: 31) + [1], [UInt8](repeating: 0, count: 31) + [2],
    [UInt8](repeating: 0x5A, count: 32), [UInt8](repeating: 0xA7, count: 32),
    [0xFE] + [UInt8](repeating: 0xFF, count: 31),
  ]

  private static func scalar(_ bytes: [UInt8]) throws -> Scalar { try #require(Scalar(bytes)) }

  @Test(
    "a product and a multiple of the generator in one pass are what they are apart",
    arguments: Self.scalars, Self.scalars)
  func sum(_ first: [UInt8], _ second: [UInt8]) throws {
    let (a, b) = (try Self.scalar(first), try Self.scalar(second))
    for number in 1...8 as ClosedRange<UInt8> {
      let point = Point.hashToCurve([number])
      // A point and its opposite have one x and both parities.
      for point in [point, point.negated] {
        let sum = try #require(point.times(a, addingGeneratorTimes: b))
        #expect(sum == point.times(a).adding(generatorTimes: b))
        #expect(sum != point.times(a))
      }
    }
  }

  @Test("a sum at infinity is none", arguments: Self.scalars)
  func infinity(_ bytes: [UInt8]) throws {
    let (a, k) = (try Self.scalar(bytes), try Self.scalar([UInt8](repeating: 0x33, count: 32)))
    #expect(Point(generatorTimes: k).times(a, addingGeneratorTimes: a.times(k).negated) == nil)
    #expect(Point(generatorTimes: k).times(a, addingGeneratorTimes: a.times(k)) != nil)
  }

  @Test("scalars multiply modulo the order")
  func product() throws {
    let (a, b) = (try Self.scalar(Self.scalars[2]), try Self.scalar(Self.scalars[4]))
    #expect(Point(generatorTimes: a.times(b)) == Point(generatorTimes: a).times(b))
  }
}
