internal import NIOCore
internal import Octets
@testable internal import Transport

/// A server's session fed by a stranger: what it holds and what it says stay within bounds.
///
/// The input follows the client's preface, which no mutation would find again.
enum HTTP2Input {
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  static func read(_ bytes: [UInt8]) {
    let limits = Limits()
    let session = HTTP2Session(limits: limits, peer: Peer(address: .unix), pool: HTTP2StreamPool())
    var said = 0
    for piece in [self.preface, bytes] {
      unsafe piece.withUnsafeBytes { unsafe session.receive($0, now: .uptimeNanoseconds(1)) }
      self.takeEvents(of: session)
      said += self.output(of: session)
    }
    precondition(session.live.count <= limits.concurrentStreams, "more streams than were agreed")
    precondition(session.heldBytes <= bytes.count, "more body than was sent")
    // Settings, acknowledgements and resets: a frame answered by much more would be an amplifier.
    precondition(said <= 1024 + 8 * bytes.count, "the answer is out of proportion")
    session.terminate(.noError)
    _ = self.output(of: session)
  }

  private static func takeEvents(of session: HTTP2Session) {
    while true {
      let events = session.takeEvents()
      if events.isEmpty { return }
      for event in events {
        if case .closed(let stream) = event { session.recycle(stream) }
      }
      session.recycle(events)
    }
  }

  private static func output(of session: HTTP2Session) -> Int {
    var said = 0
    var answers: [AnswerMark] = []
    while true {
      var buffer = ByteBuffer()
      session.produce(into: &buffer, max: 16 * 1024, answers: &answers)
      if buffer.readableBytes == 0 { return said }
      said += buffer.readableBytes
    }
  }
}
