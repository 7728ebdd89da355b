internal import JSON

/// The API's answer to what went wrong (`metav1.Status`).
package struct Status: Sendable, Hashable, CustomStringConvertible {
  /// As much of a message as we keep.
  static let maxMessageCharacters = 1000

  package var code: Int
  /// `NotFound`, `AlreadyExists`, `Forbidden` …; empty when a proxy answered.
  package var reason: String
  package var message: String

  package init(code: Int, reason: String, message: String) {
    self.code = code
    self.reason = reason
    self.message = String(message.prefix(Self.maxMessageCharacters))
  }

  /// Any body: a proxy in front of the API server answers in its own way.
  init(code: Int, body: [UInt8]) {
    let json = try? JSONReader.read(body, bounds: .kubernetes)
    guard let json, json["kind"]?.string == "Status" else {
      self.init(code: code, reason: "", message: "")
      return
    }
    self.init(reading: json, code: code)
  }

  init(reading json: JSON, code: Int? = nil) {
    self.init(
      code: code ?? json.integer("code").flatMap { Int(exactly: $0) } ?? 0,
      reason: json["reason"]?.string ?? "", message: json["message"]?.string ?? "")
  }

  package var description: String { "\(self.code) \(self.reason): \(self.message)" }
}

extension JSONReader.Bounds {
  /// `managedFields` of a pod reach 20 levels; a page of 100 pods has some 60 000 values.
  static let kubernetes = JSONReader.Bounds(depth: 40, values: 400_000)
}
