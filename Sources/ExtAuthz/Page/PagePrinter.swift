internal import Synchronization

/// Draws QR codes, and remembers the last ones: the code of a price is the same in every 402, and a large one takes a
/// millisecond.
package final class PagePrinter: Sendable {
  /// More codes than a policy has prices; when it is full it starts anew.
  private static let capacity = 128

  private let drawn = Mutex<[String: String]>([:])

  package init() {}

  /// The code of `text` as SVG; empty where it has none.
  package func image(of text: String, label: String) -> String {
    let key = "\(label)\n\(text)"
    if let known = self.drawn.withLock({ $0[key] }) { return known }
    let svg = QRCode(text)?.svg(label: label) ?? ""
    self.drawn.withLock { drawn in
      if drawn.count >= Self.capacity { drawn.removeAll(keepingCapacity: true) }
      drawn[key] = svg
    }
    return svg
  }
}
