internal import Glibc

/// Moments as RFC 3339 writes them, in UTC with milliseconds.
package enum LogTime {
  /// Milliseconds since 1970.
  package static func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  package static func text(_ milliseconds: Int64) -> String {
    let days = milliseconds.dividedDown(by: 86_400_000)
    let rest = milliseconds - days * 86_400_000
    let (year, month, day) = self.date(daysSince1970: days)
    return self.padded(year, 4) + "-" + self.padded(month, 2) + "-" + self.padded(day, 2) + "T"
      + self.padded(rest / 3_600_000, 2) + ":" + self.padded(rest / 60_000 % 60, 2) + ":"
      + self.padded(rest / 1000 % 60, 2) + "." + self.padded(rest % 1000, 3) + "Z"
  }

  /// The proleptic Gregorian calendar, by eras of 400 years that begin on 1 March.
  private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted.dividedDown(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}

extension Int64 {
  fileprivate func dividedDown(by divisor: Int64) -> Int64 {
    self >= 0 ? self / divisor : (self - divisor + 1) / divisor
  }
}
