import NIOCore
import Octets
import Testing

@testable import Transport

@Suite struct HTTP2ConnectionTests {
  let service = ScriptedService()

  @Test("requests with and without a body are answered")
  func answers() {
    let pair = MemoryHTTP2(self.service)
    let get = pair.client.request("/x")
    let post = pair.client.request("/y", method: "POST", body: Array("hello".utf8))
    pair.exchange()
    let first = pair.client.answers[get]
    #expect(
      first?.fields == [":status": "200", "x-method": "GET", "x-authority": "test", "content-length": "4"])
    #expect(first?.text == "/x 0")
    #expect(pair.client.answers[post]?.text == "/y 5")
    #expect(pair.client.answers[post]?.isEnded == true)
  }

  @Test("many requests on one connection use records again and keep apart")
  func recycles() {
    let pair = MemoryHTTP2(self.service)
    for round in 0..<20 {
      let ids = (0..<50).map { index in
        pair.client.request(
          "/\(round)/\(index)", method: "POST", body: [UInt8](repeating: 0x61, count: index * 7))
      }
      pair.exchange()
      for (index, id) in ids.enumerated() {
        #expect(pair.client.answers[id]?.text == "/\(round)/\(index) \(index * 7)")
      }
    }
  }

  @Test("HEAD has a length and no body")
  func answersHead() {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/x", method: "HEAD")
    pair.exchange()
    #expect(pair.client.answers[id]?.fields["content-length"] == "4")
    #expect(pair.client.answers[id]?.body == [])
    #expect(pair.client.answers[id]?.isEnded == true)
  }

  @Test("a large answer goes through windows smaller than it")
  func sendsLarge() {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/large")
    pair.exchange()
    #expect(pair.client.answers[id]?.body.count == 4 * 1024 * 1024)
  }

  @Test("a body over the limit is 413, and the peer is told to stop")
  func boundsBody() {
    let pair = MemoryHTTP2(self.service)
    let fits = pair.client.request("/x", method: "POST", body: [UInt8](repeating: 0x61, count: 1000))
    let long = pair.client.request(
      "/x", method: "POST", body: [UInt8](repeating: 0x61, count: 1001), ends: false)
    let after = pair.client.request("/after")
    pair.exchange()
    #expect(pair.client.answers[fits]?.fields[":status"] == "200")
    #expect(pair.client.answers[long]?.fields[":status"] == "413")
    #expect(pair.client.answers[long]?.closeCode == 0)
    #expect(pair.client.answers[after]?.text == "/after 0")
  }

  @Test("bodies held for all streams together are bounded")
  func boundsHeldBodies() {
    var limits = Limits()
    limits.bufferedBodyBytes = 1500
    let pair = MemoryHTTP2(self.service, limits: limits)
    let ids = (0..<3).map { _ in
      pair.client.request("/x", method: "POST", body: [UInt8](repeating: 0x61, count: 900), ends: false)
    }
    pair.exchange()
    let refused = ids.filter { pair.client.answers[$0]?.fields[":status"] == "503" }
    #expect(refused.count == 2)
  }

  @Test(
    "a host beside another authority is refused, beside the same or alone it is taken",
    arguments: [("test", "200"), ("other", "400")])
  func comparesHosts(_ host: String, _ status: String) {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/x", fields: [("host", host)])
    let alone = pair.client.submit([
      (":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "lone"),
    ])
    pair.exchange()
    #expect(pair.client.answers[id]?.fields[":status"] == status)
    #expect(pair.client.answers[alone]?.fields["x-authority"] == "lone")
  }

  @Test("CONNECT is not served")
  func refusesConnect() {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.submit([(":method", "CONNECT"), (":authority", "a:1")])
    pair.exchange()
    #expect(pair.client.answers[id]?.fields[":status"] == "501")
  }

  @Test("a field that would break the answer makes it a 500")
  func refusesInvalidAnswer() {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/invalid")
    pair.exchange()
    #expect(pair.client.answers[id]?.fields == [":status": "500"])
  }

  // MARK: answers that are waited for

  @Test("an answer that is waited for does not hold up others")
  func waits() async {
    let pair = MemoryHTTP2(self.service)
    let later = pair.client.request("/later")
    let now = pair.client.request("/now")
    pair.exchange()
    #expect(pair.client.answers[now]?.text == "/now 0")
    #expect(pair.client.answers[later] == nil)
    await pair.host.runPending()
    pair.exchange()
    #expect(pair.client.answers[later]?.text == "later")
    #expect(self.service.deliveries.all == [.written])
  }

  @Test("an answer whose stream was reset is lost, once")
  func losesReset() async {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/later")
    pair.exchange()
    pair.client.reset(id)
    pair.exchange()
    await pair.host.runPending()
    pair.exchange()
    #expect(self.service.deliveries.all == [.lost])
  }

  @Test("an answer whose connection is gone is lost, once")
  func losesConnection() async {
    let pair = MemoryHTTP2(self.service)
    pair.client.request("/later")
    pair.exchange()
    pair.server.connectionLost()
    await pair.host.runPending()
    #expect(self.service.deliveries.all == [.lost])
  }

  @Test("an answer given to the engine but not sent is lost with the connection")
  func losesUnsent() {
    let pair = MemoryHTTP2(self.service)
    pair.client.request("/marked")
    pair.server.receive(pair.client.output(), now: pair.now)
    pair.server.connectionLost()
    #expect(self.service.deliveries.all == [.lost])
  }

  @Test("at most half the streams wait for answers, beyond that 503 at once while others go on")
  func boundsWaiting() async {
    var limits = Limits()
    limits.concurrentStreams = 4
    let pair = MemoryHTTP2(self.service, limits: limits)
    let ids = (0..<3).map { _ in pair.client.request("/later") }
    let now = pair.client.request("/now")
    pair.exchange()
    #expect(pair.host.pendingCount == 2)
    #expect(pair.client.answers[ids[2]]?.fields[":status"] == "503")
    #expect(pair.client.answers[ids[2]]?.fields["retry-after"] == "1")
    #expect(pair.client.answers[now]?.fields[":status"] == "200")
    await pair.host.runPending()
    pair.exchange()
    #expect(pair.client.answers[ids[0]]?.text == "later")
    let again = pair.client.request("/later")
    pair.exchange()
    #expect(pair.host.pendingCount == 1)
    #expect(pair.client.answers[again] == nil)
  }

  @Test("work whose streams were reset still counts, so that resets make no room for more")
  func countsAbandonedWork() {
    var limits = Limits()
    limits.concurrentStreams = 4
    let pair = MemoryHTTP2(self.service, limits: limits)
    for _ in 0..<5 {
      let id = pair.client.request("/later")
      pair.exchange()
      pair.client.reset(id)
      pair.exchange()
    }
    #expect(pair.host.pendingCount == 2)
  }

  // MARK: streams

  @Test("a stream is read and written in parts")
  func streams() async {
    let pair = MemoryHTTP2(self.service)
    let body = [UInt8](repeating: 0x61, count: 50_000)
    let id = pair.client.request("/stream-echo", method: "POST", body: body)
    pair.exchange()
    await pair.host.runStreams()
    pair.exchange()
    #expect(pair.client.answers[id]?.body == body)
    #expect(pair.client.answers[id]?.isEnded == true)
  }

  @Test("a body that nobody reads fills its window and no more; reading opens it")
  func holdsBody() async {
    var limits = Limits()
    limits.streamWindowBytes = 65_535
    let pair = MemoryHTTP2(self.service, limits: limits)
    let body = [UInt8](repeating: 0x61, count: 200_000)
    let id = pair.client.request("/stream-collect", method: "POST", body: body)
    pair.exchange()
    let stream = pair.host.streams[0]
    var total = 0
    for _ in 0..<200 where total < body.count {
      if total == 0 { #expect(pair.client.answers[id] == nil) }
      let part = try? await stream.stream.read()
      total += part?.count ?? 0
      stream.progress()
      if total <= 65_535 { #expect(part?.count ?? 0 <= 65_535) }
      pair.exchange()
    }
    #expect(total == body.count)
  }

  @Test("a stream's task hears that the peer is gone")
  func tellsTask() async {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/stream-echo", method: "POST", ends: false)
    pair.exchange()
    pair.client.reset(id)
    pair.exchange()
    await pair.host.runStreams()
    #expect(self.service.deliveries.failures == [.gone])
  }

  @Test("a task that answers nothing is a 500, one that stops half-way resets the stream")
  func endsStreams() async {
    let pair = MemoryHTTP2(self.service)
    let silent = pair.client.request("/stream-nothing")
    let cut = pair.client.request("/stream-cut")
    pair.exchange()
    await pair.host.runStreams()
    pair.exchange()
    #expect(pair.client.answers[silent]?.fields[":status"] == "500")
    #expect(pair.client.answers[cut]?.text == "half")
    #expect(pair.client.answers[cut]?.isEnded == false)
    #expect(pair.client.answers[cut]?.closeCode != 0)
  }

  // MARK: time and stop

  @Test("a body that does not come in time is a 408")
  func timesOutBody() {
    let pair = MemoryHTTP2(self.service)
    let id = pair.client.request("/x", method: "POST", body: [1], ends: false)
    pair.exchange()
    pair.advance(.seconds(29))
    #expect(pair.client.answers[id] == nil)
    pair.advance(.seconds(1))
    #expect(pair.client.answers[id]?.fields[":status"] == "408")
    #expect(pair.counters.count(of: .timeout) == 1)
  }

  @Test("an answer the peer gives no window for is given up")
  func timesOutSending() {
    let pair = MemoryHTTP2(self.service, client: HTTP2Client(windowBytes: 0))
    let id = pair.client.request("/x")
    pair.exchange()
    pair.advance(.seconds(31))
    pair.advance(.seconds(31))
    #expect(pair.client.answers[id]?.closeCode == HTTP2ErrorCode.cancel.rawValue)
  }

  @Test("an idle connection ends with GOAWAY")
  func timesOutIdle() {
    let pair = MemoryHTTP2(self.service)
    pair.client.request("/x")
    pair.exchange()
    pair.advance(.seconds(179))
    #expect(pair.client.inbox.goAways.isEmpty)
    pair.advance(.seconds(1))
    #expect(pair.client.inbox.goAways.map(\.code) == [0])
    #expect(pair.server.isFinished)
  }

  @Test("a stop announces itself, then names the true last stream, and open streams finish")
  func drains() async {
    let pair = MemoryHTTP2(self.service)
    pair.client.request("/x")
    let open = pair.client.request("/later")
    pair.exchange()
    pair.server.drain(now: pair.now)
    pair.exchange()
    #expect(pair.client.inbox.goAways == [.init(last: Int32.max, code: 0), .init(last: open, code: 0)])
    #expect(!pair.server.isFinished)
    await pair.host.runPending()
    pair.exchange()
    #expect(pair.client.answers[open]?.text == "later")
    #expect(pair.server.isFinished)
  }

  @Test("a peer that does not answer the announcement's PING is refused all the same")
  func drainsSilentPeer() {
    let pair = MemoryHTTP2(self.service)
    pair.server.drain(now: pair.now)
    _ = pair.server.output()
    #expect(!pair.server.isFinished)
    pair.server.timeOut(now: pair.now + .seconds(1))
    _ = pair.server.output()
    #expect(pair.server.isFinished)
  }
}
