internal import Octets

/// Spans of time as people write them: `500ms`, `29s`, `1h30m`, `7d`; the larger unit first, each once.
package enum DurationText {
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]
  /// Enough for a thousand years in milliseconds, and far from the end of 64 bits.
  private static let maxDigits = 14

  /// Nil for anything else, also for a number without a unit.
  package static func parse(_ text: String) -> Duration? {
    var rest = text.utf8[...]
    var units = self.units[...]
    var sum: Int64 = 0
    repeat {
      let digits = rest.prefix(while: ASCII.isDigit)
      rest = rest.dropFirst(digits.count)
      let name = String(decoding: rest.prefix(while: ASCII.isLetter), as: UTF8.self)
      rest = rest.dropFirst(name.utf8.count)
      guard digits.count <= self.maxDigits, let value = Int64(String(decoding: digits, as: UTF8.self)),
        let index = units.firstIndex(where: { $0.name == name })
      else { return nil }
      let (part, tooLong) = value.multipliedReportingOverflow(by: units[index].milliseconds)
      let (whole, overflow) = sum.addingReportingOverflow(part)
      guard !tooLong, !overflow else { return nil }
      sum = whole
      units = units[(index + 1)...]
    } while !rest.isEmpty
    return .milliseconds(sum)
  }

  /// The text that `parse` reads as the same span, to the millisecond.
  package static func format(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    var rest = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    var text = ""
    for unit in self.units where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text.isEmpty ? "0s" : text
  }
}
