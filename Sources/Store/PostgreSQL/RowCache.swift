internal import Gate

/// What one transaction knows of rows that only it can change while it holds the book's lock.
///
/// A group's bodies read the same few rows again and again, one round trip each; and what they read of their
/// own payments can be asked for them all at once (``ExpectedRows``).
struct RowCache {
  /// Nil in them: no such row.
  var payments: [PaymentID: PaymentRow?] = [:]
  var holders: [Nullifier: PaymentID?] = [:]
  var counters: [String: Total] = [:]
  var exposures: [ExposureKey: Total] = [:]
  /// Under their grants' locks.
  var grants: [Serial: GrantRecord?] = [:]
  var uses: [Serial: KnownUses] = [:]

  /// What was seen of a grant's uses, kept up with what the transaction changes.
  struct KnownUses {
    /// How many of those in flight are looked at, at most; nobody asks for more.
    static let maxInFlight = 256

    var latest: [RequestKey: UseRow?] = [:]
    var byNumber: [UInt32: UseRow?] = [:]
    var inFlight: [UseRow]?
    var returned: UseRow??

    /// A use was given out or changed. What cannot be known from that alone is forgotten.
    mutating func note(_ new: UseRow, insteadOf old: UseRow?) {
      self.byNumber[new.number] = new
      self.latest = self.latest.filter { $0.value?.number != new.number && $0.key != new.request }
      if old?.state == .granted || new.state == .granted { self.returned = nil }
      guard var inFlight = self.inFlight, inFlight.count < Self.maxInFlight else {
        self.inFlight = nil
        return
      }
      inFlight.removeAll { $0.number == new.number }
      if new.state == .delivering {
        let place = inFlight.lastIndex { $0.hold.end <= new.hold.end }.map { $0 + 1 } ?? 0
        inFlight.insert(new, at: place)
      }
      self.inFlight = inFlight
    }
  }

  struct ExposureKey: Hashable {
    var counterpart: String
    var unit: String
  }

  /// A number that every body moves; it is written once, when all have.
  struct Total {
    var value: Int64
    var isWritten: Bool
  }

  mutating func forget() { self = RowCache() }
}
