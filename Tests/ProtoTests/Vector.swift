import Foundation

/// The messages captured from Envoy 1.40, with their text beside them (Tests/Vectors/checkrequests).
enum Vector {
  static let names = [
    "s1-h2-mtls-ctx-json", "s2-h1-plain-get", "s3-h2c-raw-headers-body", "s4-h1-large-cashu",
    "s5-h1-partial-body",
  ]

  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: self.url(name, "bin")))
  }

  static func text(_ name: String) throws -> String {
    try String(contentsOf: self.url(name, "txtpb"), encoding: .utf8)
  }

  private static func url(_ name: String, _ kind: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Vectors/checkrequests/\(name).CheckRequest.\(kind)")
  }
}
