package import Gate

/// What is stored as text in one column, by every backend alike.
package protocol StoredText {
  var storedText: String { get }
  init?(storedText: String)
}

extension Receipt: StoredText {
  /// The transfer's name (`+` and itself, or `-`), then each field's name and value.
  package var storedText: String {
    Netstrings.encode(
      [self.transaction.map { "+" + $0 } ?? "-"] + self.fields.flatMap { [$0.name, $0.value] })
  }

  package init?(storedText: String) {
    guard let texts = Netstrings.decode(storedText), texts.count % 2 == 1 else { return nil }
    let fields = stride(from: 1, to: texts.count, by: 2).map { Challenge.Field(texts[$0], texts[$0 + 1]) }
    switch texts[0].first {
    case "+": self.init(fields: fields, transaction: String(texts[0].dropFirst()))
    case "-" where texts[0].utf8.count == 1: self.init(fields: fields)
    default: return nil
    }
  }
}

extension Tariff: StoredText {
  /// The terms (a word and its numbers, durations as seconds and attoseconds), then each price's value and unit.
  package var storedText: String {
    let terms =
      switch self.terms {
      case .uses(let uses): "uses \(uses)"
      case .duration(let span): "duration \(span.storedText)"
      case .usesWithin(let uses, let span): "usesWithin \(uses) \(span.storedText)"
      case .rate(let per, let least): "rate \(per.storedText) \(least.storedText)"
      }
    return Netstrings.encode([terms] + self.prices.flatMap { ["\($0.value)", $0.unit.name] })
  }

  package init?(storedText: String) {
    guard let texts = Netstrings.decode(storedText), texts.count % 2 == 1 else { return nil }
    var prices: [Amount] = []
    for index in stride(from: 1, to: texts.count, by: 2) {
      guard let value = UInt64(texts[index]) else { return nil }
      prices.append(Amount(value, Amount.Unit(texts[index + 1])))
    }
    guard let terms = Terms(words: texts[0].split(separator: " ").map(String.init)) else { return nil }
    self.init(prices: prices, terms: terms)
  }
}

extension Tariff.Terms {
  fileprivate init?(words: [String]) {
    let numbers = words.dropFirst().compactMap { Int64($0) }
    guard numbers.count == words.count - 1 else { return nil }
    func span(_ index: Int) -> Duration {
      Duration(secondsComponent: numbers[index], attosecondsComponent: numbers[index + 1])
    }
    switch (words[0], numbers.count) {
    case ("uses", 1):
      guard let uses = UInt32(exactly: numbers[0]) else { return nil }
      self = .uses(uses)
    case ("duration", 2): self = .duration(span(0))
    case ("usesWithin", 3):
      guard let uses = UInt32(exactly: numbers[0]) else { return nil }
      self = .usesWithin(uses, span(1))
    case ("rate", 4): self = .rate(per: span(0), least: span(2))
    default: return nil
    }
  }
}

extension Duration {
  fileprivate var storedText: String { "\(self.components.seconds) \(self.components.attoseconds)" }
}

extension Bearing {
  /// The word of the column `bearing`; the hash has one of its own.
  package var word: String {
    switch self {
    case .payload: "payload"
    case .secret: "secret"
    case .firstPresentation: "first"
    }
  }

  package var hash: [UInt8]? { if case .secret(let hash) = self { hash } else { nil } }

  package init?(word: String, hash: [UInt8]?) {
    switch (word, hash) {
    case ("payload", nil): self = .payload
    case ("first", nil): self = .firstPresentation
    case ("secret", let hash?): self = .secret(hash: hash)
    default: return nil
    }
  }
}

extension Invoice.State {
  /// The word of the column `state`; the payment has one of its own.
  package var word: String {
    switch self {
    case .open: "open"
    case .closed(.paid): "paid"
    case .closed(.expired): "expired"
    }
  }

  package var payment: PaymentID? { if case .closed(.paid(let id)) = self { id } else { nil } }

  package init?(word: String, payment: PaymentID?) {
    switch (word, payment) {
    case ("open", nil): self = .open
    case ("expired", nil): self = .closed(.expired)
    case ("paid", let id?): self = .closed(.paid(id))
    default: return nil
    }
  }
}
