internal import Octets
@testable internal import Transport

/// Two proxies that cut the same bytes differently must be told the same: a head that depends on where a packet ended
/// is request smuggling.
enum HTTP1Input {
  private struct Reading: Equatable {
    var heads: [[UInt8]] = []
    var bodyBytes = 0
    var whole = 0
    var error: HTTP1Error?
  }

  static func read(_ bytes: [UInt8]) {
    let reading = self.parse(bytes, pieceBytes: max(1, bytes.count))
    precondition(reading == self.parse(bytes, pieceBytes: 1), "a request depends on how it was cut")
    precondition(reading.bodyBytes <= bytes.count, "a body longer than what was sent")
  }

  private static func parse(_ bytes: [UInt8], pieceBytes: Int) -> Reading {
    var parser = HTTP1Parser(maxHeadBytes: 1024, maxHeadCount: 16)
    let request = HTTPRequest(peer: Peer(address: .unix))
    var reading = Reading()
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(pieceBytes))
      rest = rest.dropFirst(piece.count)
      unsafe piece.withUnsafeBytes { unsafe parser.feed($0) }
      loop: while true {
        switch parser.next(into: request) {
        case .needsMore: break loop
        case .head: reading.heads.append(Array(request.method) + [0] + Array(request.target))
        case .body(let part): reading.bodyBytes += part.count
        case .end: reading.whole += 1
        case .failed(let error):
          reading.error = error
          return reading
        }
      }
    }
    return reading
  }
}
