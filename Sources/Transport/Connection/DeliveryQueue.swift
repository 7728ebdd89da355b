/// Answers handed to the channel whose first byte the socket has not taken yet.
struct DeliveryQueue {
  /// `AnswerMark.offset` counted from the connection's first byte.
  private var waiting: [AnswerMark] = []
  private var sentBytes = 0

  var isEmpty: Bool { self.waiting.isEmpty }

  /// Answers that begin in the bytes given to the next ``sent(bytes:)``.
  mutating func add(_ marks: [AnswerMark]) {
    for mark in marks {
      self.waiting.append(AnswerMark(offset: self.sentBytes + mark.offset, onDelivery: mark.onDelivery))
    }
  }

  mutating func sent(bytes: Int) { self.sentBytes += bytes }

  /// The channel still holds `unwritten` bytes; the socket took all before them.
  mutating func settle(unwritten: Int) {
    let taken = self.sentBytes - unwritten
    let count = self.waiting.prefix { $0.offset < taken }.count
    guard count > 0 else { return }
    let written = self.waiting.prefix(count)
    self.waiting.removeFirst(count)
    for mark in written { mark.onDelivery(.written) }
  }

  /// The connection is gone.
  mutating func lose() {
    let lost = self.waiting
    self.waiting = []
    for mark in lost { mark.onDelivery(.lost) }
  }
}
