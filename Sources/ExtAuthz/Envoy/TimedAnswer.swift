internal import Gate
internal import Octets
internal import Proto

/// The answer to a time pass, written once for each number of digits, so that only the digits are written per request.
struct TimedAnswer: Sendable {
  private struct Template: Sendable {
    var bytes: [UInt8]
    var start: Int
  }

  private static let label = Array("seconds=".utf8)
  /// By number of digits, from 1; 9 are 31 years.
  private let templates: [Template]

  init(_ mutation: CheckResponse.Mutation) {
    self.templates = (1...9).compactMap { digits in
      var mutation = mutation
      mutation.responseHeaders.append(
        "turnpike-remaining", Self.label + [UInt8](repeating: 0x30, count: digits))
      let bytes = CheckResponse.ok(mutation)
      let last = bytes.count - Self.label.count
      guard let label = (0...last).first(where: { bytes[$0..<$0 + Self.label.count] == Self.label[...] })
      else {
        return nil
      }
      return Template(bytes: bytes, start: label + Self.label.count)
    }
  }

  /// Nil for what is no plain number of seconds, or is low.
  func answer(for remaining: Remaining) -> [UInt8]? {
    guard remaining.uses == nil, remaining.level == .ample, var seconds = remaining.seconds, seconds >= 0
    else {
      return nil
    }
    var (digits, bound) = (1, Int64(10))
    while seconds >= bound {
      digits += 1
      bound *= 10
    }
    guard digits <= self.templates.count else { return nil }
    let template = self.templates[digits - 1]
    var bytes = template.bytes
    for index in (template.start..<template.start + digits).reversed() {
      bytes[index] = 0x30 + UInt8(seconds % 10)
      seconds /= 10
    }
    return bytes
  }
}
