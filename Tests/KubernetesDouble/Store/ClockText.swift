/// Moments and base64 as texts, without the code that is being tested.
package enum ClockText {
  /// RFC 3339 in UTC, for 1970 to 2099: every fourth year has a leap day.
  package static func text(_ seconds: Int64) -> String {
    var days = seconds / 86_400
    var year: Int64 = 1970
    while days >= self.daysOf(year) {
      days -= self.daysOf(year)
      year += 1
    }
    let february: Int64 = year % 4 == 0 ? 29 : 28
    var month = 1
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
      guard days >= length else { break }
      days -= length
      month += 1
    }
    func two(_ value: some BinaryInteger) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let second = seconds % 86_400
    return
      "\(year)-\(two(month))-\(two(days + 1))T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
  }

  private static func daysOf(_ year: Int64) -> Int64 { year % 4 == 0 ? 366 : 365 }

  static func isBase64(_ text: String) -> Bool {
    text.utf8.count % 4 == 0
      && text.utf8.allSatisfy {
        0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || "+/=".utf8.contains($0)
      }
  }
}
