import Foundation
import JSON
import Octets
import Testing
import X402

/// The files of Tests/Vectors/x402.
enum VectorFiles {
  /// Foundation reads files; nothing else here needs it.
  static func json(_ name: String, file: String = #filePath) throws -> JSON {
    let tests = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: tests.appending(path: "Vectors/x402").appending(path: name))
    return try JSONReader.read([UInt8](data))
  }
}

extension Asset {
  /// The dollar of a network of the table.
  static func known(on name: String) throws -> Asset {
    let network = try #require(Network(name))
    return try #require(Asset.dollar(on: network))
  }
}
