import NIOCore

@testable import Transport

/// A client session and the server's conversation, joined in memory.
final class MemoryHTTP2 {
  let client: HTTP2Client
  let host = MemoryHost()
  let server: HTTP2Connection
  let pool = HTTP2StreamPool()
  let counters = TransportCounters()
  var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  /// Deliveries of answers as soon as they were produced.
  private(set) var marks = 0

  init(_ service: any HTTPService, limits: Limits = Limits(), client: HTTP2Client = HTTP2Client()) {
    self.client = client
    self.server = HTTP2Connection(
      setup: .testing(service, limits: limits, observer: self.counters), pool: self.pool, host: self.host,
      now: self.now)
    self.exchange()
  }

  /// Carries bytes both ways until nobody has anything to say.
  func exchange() {
    while true {
      let toServer = self.client.output()
      if !toServer.isEmpty { self.server.receive(toServer, now: self.now) }
      let (toClient, answers) = self.server.output()
      self.marks += answers.count
      for answer in answers { answer.onDelivery(.written) }
      if !toClient.isEmpty { self.client.receive(toClient) }
      if toServer.isEmpty, toClient.isEmpty { return }
    }
  }

  func raw(_ bytes: [UInt8]) {
    self.server.receive(bytes, now: self.now)
    self.exchange()
  }

  func advance(_ time: TimeAmount) {
    self.now = self.now + time
    self.server.timeOut(now: self.now)
    self.exchange()
  }
}
