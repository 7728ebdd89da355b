/// A moment as the API writes it: RFC 3339 in UTC, whole seconds (`metav1.Time`).
package struct KubernetesTime: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var secondsSinceEpoch: Int64

  package init(secondsSinceEpoch: Int64) { self.secondsSinceEpoch = secondsSinceEpoch }

  /// Nil for any other form; fractions of a second are dropped (`metav1.MicroTime` has them).
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"),
      bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":")
    else { return nil }
    if bytes.count > 20 {
      guard bytes[19] == UInt8(ascii: "."), bytes.count > 21,
        bytes[20..<(bytes.count - 1)].allSatisfy({ 0x30...0x39 ~= $0 })
      else { return nil }
    }
    func number(_ range: Range<Int>) -> Int64? {
      guard bytes[range].allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
      return bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second <= 60
    else { return nil }
    let days = Self.days(year: year, month: month, day: day)
    self.secondsSinceEpoch = days * 86_400 + hour * 3600 + minute * 60 + second
  }

  package static func < (a: KubernetesTime, b: KubernetesTime) -> Bool {
    a.secondsSinceEpoch < b.secondsSinceEpoch
  }

  package var description: String {
    let days = (self.secondsSinceEpoch - self.secondsSinceEpoch.modulo(86_400)) / 86_400
    let second = self.secondsSinceEpoch.modulo(86_400)
    let (year, month, day) = Self.date(days: days)
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let years = String(repeating: "0", count: max(0, 4 - String(year).count)) + String(year)
    return
      "\(years)-\(two(month))-\(two(day))T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
  }

  /// Days since 1970-01-01 of the proleptic Gregorian calendar. The year is counted from 1 March, so that a
  /// leap day is a year's last; 146 097 days are 400 years.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = (year - year.modulo(400)) / 400
    let yearOfEra = year.modulo(400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let dayOfEra = shifted.modulo(146_097)
    let era = (shifted - dayOfEra) / 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}

extension Int64 {
  /// Never negative for a positive modulus.
  fileprivate func modulo(_ modulus: Int64) -> Int64 { (self % modulus + modulus) % modulus }
}
