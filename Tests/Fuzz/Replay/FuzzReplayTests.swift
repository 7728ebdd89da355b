import Foundation
import FuzzParsers
import Testing

/// Every seed and every find of libFuzzer again, and mutations of them: the same on every machine, in seconds.
/// `Tests/Fuzz/run` looks for new ones.
@Suite struct FuzzReplayTests {
  /// Small enough for every `swift test`; libFuzzer does the millions.
  static let mutationsPerInput = 400

  @Test("no seed, no find and no mutation of them breaks a parser's promise", arguments: FuzzParser.allCases)
  func replay(_ parser: FuzzParser) throws {
    let inputs = try Self.inputs(of: parser)
    try #require(!inputs.isEmpty)
    var random = Seeded(state: 1)
    parser.read([])
    for input in inputs {
      parser.read(input)
      for _ in 0..<Self.mutationsPerInput { parser.read(Self.mutate(input, &random)) }
    }
  }

  @Test(
    "what was signed is read, so the mutations begin with one that passes",
    arguments: [(FuzzParser.pass, FuzzParser.signedPass), (.workloadGrant, FuzzParser.signedGrant)])
  func signed(_ parser: FuzzParser, _ text: [UInt8]) throws {
    var random = Seeded(state: 2)
    parser.read(text)
    for _ in 0..<2000 { parser.read(Self.mutate(text, &random)) }
  }

  /// Foundation lists folders; nothing else here needs it.
  static func inputs(of parser: FuzzParser) throws -> [[UInt8]] {
    let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try ["Seeds", "FailCases"].flatMap { kind in
      let folder = here.appending(path: kind).appending(path: parser.rawValue)
      guard FileManager.default.fileExists(atPath: folder.path()) else { return [URL]() }
      return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    }
    .sorted { $0.path() < $1.path() }
    .map { [UInt8](try Data(contentsOf: $0)) }
  }

  static func mutate(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var out = bytes
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let index = Int.random(in: 0..<max(1, out.count), using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where !out.isEmpty: out[index] = UInt8.random(in: 0...255, using: &random)
      case 1 where !out.isEmpty: out[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: out.insert(UInt8.random(in: 0...255, using: &random), at: min(index, out.count))
      case 3 where !out.isEmpty: out.remove(at: index)
      case 4: out.removeLast(Int.random(in: 0...(out.count / 4), using: &random))
      default:
        let length = Int.random(in: 0...min(40, out.count), using: &random)
        out.insert(contentsOf: bytes.prefix(length), at: min(index, out.count))
      }
    }
    return out
  }

  /// SplitMix64: the same seed gives the same bytes everywhere.
  struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      self.state &+= 0x9E37_79B9_7F4A_7C15
      var z = self.state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }
}
