/// Finds what a mistyped word was meant to be.
enum Spelling {
  /// The nearest of `words`, if it is near enough to be a slip: a third of its letters, at least one, wrong.
  static func nearest(to word: String, among words: some Sequence<String>) -> String? {
    var best: (word: String, distance: Int)?
    for candidate in words {
      let distance = self.distance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
      guard distance <= max(1, candidate.utf8.count / 3), distance < best?.distance ?? .max else { continue }
      best = (candidate, distance)
    }
    return best?.word
  }

  /// ` (did you mean …?)`, or nothing.
  static func hint(for word: String, among words: some Sequence<String>) -> String {
    self.nearest(to: word, among: words).map { "; did you mean `\($0)`?" } ?? ""
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    /// No key is longer; the table stays small whatever the file holds.
    let maxBytes = 64
    guard a.count <= maxBytes, b.count <= maxBytes else { return .max }
    var older: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, older[j - 1] + 1) }
        row.append(cost)
      }
      (older, previous) = (previous, row)
    }
    return previous[b.count]
  }
}
