import NIOCore
import Octets
import Testing

@testable import Transport

@Suite struct HTTP1ConnectionTests {
  let host = MemoryHost()
  let service = ScriptedService()
  let counters = TransportCounters()

  func connection(_ limits: Limits = Limits()) -> HTTP1Connection {
    HTTP1Connection(
      setup: .testing(self.service, limits: limits, observer: self.counters), host: self.host,
      now: .uptimeNanoseconds(0))
  }

  /// What a fresh connection answers to `text`.
  func answer(_ text: String, limits: Limits = Limits()) -> (text: String, isFinished: Bool) {
    let connection = self.connection(limits)
    connection.receive(Array(text.utf8))
    return (connection.outputText(), connection.isFinished)
  }

  @Test("an answer has its length, and the connection is kept")
  func answers() {
    let (text, isFinished) = self.answer("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(text == "HTTP/1.1 200 OK\r\nx-method: GET\r\nx-authority: a\r\ncontent-length: 4\r\n\r\n/x 0")
    #expect(!isFinished)
  }

  @Test(
    "an answer that closes says so",
    arguments: ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"])
  func closes(_ request: String) {
    let (text, isFinished) = self.answer(request)
    #expect(text.contains("200 OK"))
    #expect(text.contains("\r\nconnection: close\r\n"))
    #expect(isFinished)
  }

  @Test("HTTP/1.0 that asks to be kept is told so")
  func keepsHTTP10() {
    let (text, isFinished) = self.answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    #expect(text.contains("\r\nconnection: keep-alive\r\n"))
    #expect(!isFinished)
  }

  @Test(
    "a broken request gets its status, closes, and what follows is not read",
    arguments: [
      ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request"),
      ("GET / HTTP/1.1\nHost: a\n\n", "400 Bad Request"),
      (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 Bad Request"
      ),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented"),
      ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported"),
      ("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", "417 Expectation Failed"),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "413 Content Too Large"),
      (
        "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 200_000))",
        "431 Request Header Fields Too Large"
      ),
    ])
  func refuses(_ request: String, _ status: String) {
    let (text, isFinished) = self.answer(request + "GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(text == "HTTP/1.1 \(status)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    #expect(isFinished)
    #expect(TransportFailure.allCases.map { self.counters.count(of: $0) }.reduce(0, +) == 1)
  }

  @Test("a chunked body over the limit is refused when it passes it")
  func boundsChunkedBody() {
    let chunk = "3E8\r\n\(String(repeating: "x", count: 1000))\r\n"
    let head = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(self.answer(head + chunk + "0\r\n\r\n").text.hasSuffix("/c 1000"))
    #expect(self.answer(head + chunk + "1\r\n").text == "")
    #expect(self.answer(head + chunk + "1\r\nx").text.hasPrefix("HTTP/1.1 413 "))
  }

  @Test("HEAD is answered with the length and without the body")
  func answersHead() {
    let (text, _) = self.answer("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(text.contains("content-length: 4\r\n\r\nHTTP/1.1 200 OK"))
    #expect(text.hasSuffix("/y 0"))
  }

  @Test("204 has neither length nor body")
  func answersEmpty() {
    #expect(self.answer("GET /empty HTTP/1.1\r\nHost: a\r\n\r\n").text == "HTTP/1.1 204 No Content\r\n\r\n")
  }

  @Test("100 Continue is sent before the body, and not for a body that is refused")
  func continues() {
    let connection = self.connection()
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
    connection.receive(Array((head + "2\r\n\r\n").utf8))
    #expect(connection.outputText() == "HTTP/1.1 100 Continue\r\n\r\n")
    connection.receive(Array("hi".utf8))
    #expect(connection.outputText().hasSuffix("/x 2"))
    let (text, _) = self.answer(head + "1001\r\n\r\n")
    #expect(text.hasPrefix("HTTP/1.1 413 "))
  }

  @Test("a field that would break the answer makes it a 500")
  func refusesInvalidAnswer() {
    let (text, _) = self.answer("GET /invalid HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(text == "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
  }

  @Test("pipelined requests are answered in order, also behind one that is waited for")
  func pipelines() async {
    let connection = self.connection()
    let requests = ["/1", "/later", "/2"].map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
    connection.receive(Array(requests.utf8))
    #expect(connection.outputText().hasSuffix("/1 0"))
    #expect(!connection.wantsRead)
    await self.host.runPending()
    let rest = connection.output()
    let text = String(decoding: rest.bytes, as: UTF8.self)
    #expect(text.contains("\r\n\r\nlaterHTTP/1.1 200 OK"))
    #expect(text.hasSuffix("/2 0"))
    #expect(rest.answers.map(\.offset) == [0])
  }

  @Test("an answer that is waited for is lost when the connection is")
  func losesAnswer() async {
    let connection = self.connection()
    connection.receive(Array("GET /later HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    connection.connectionLost()
    await self.host.runPending()
    #expect(self.service.deliveries.all == [.lost])
  }

  @Test("an answer that was made but not sent is lost when the connection is")
  func losesUnsentAnswer() {
    let connection = self.connection()
    connection.receive(Array("GET /marked HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    connection.connectionLost()
    #expect(self.service.deliveries.all == [.lost])
  }

  @Test("when nothing more can be waited for the answer is 503 with Retry-After")
  func answersBusy() {
    self.host.isFull = true
    let (text, _) = self.answer("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"))
  }

  @Test("output that nobody takes stops the reading of more requests")
  func boundsOutput() {
    var limits = Limits()
    limits.outputBytes = 1000
    let connection = self.connection(limits)
    let request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    connection.receive(Array(String(repeating: request, count: 1000).utf8))
    var buffer = ByteBuffer()
    var answers: [AnswerMark] = []
    connection.produce(into: &buffer, max: 1_000_000, answers: &answers)
    #expect(buffer.readableBytes < 2000)
    let all = String(decoding: buffer.readableBytesView, as: UTF8.self) + connection.outputText()
    #expect(all.split(separator: "HTTP/1.1 200").count == 1000)
  }

  // MARK: streams

  @Test("a streamed answer is chunked, and the connection is kept when the body was read")
  func streams() async {
    let connection = self.connection()
    connection.receive(Array("POST /stream-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".utf8))
    await self.host.runStreams()
    #expect(
      connection.outputText()
        == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    connection.receive(Array("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(connection.outputText().hasSuffix("/x 0"))
  }

  @Test("a streamed answer to HTTP/1.0 ends with the connection")
  func streamsHTTP10() async {
    let connection = self.connection()
    connection.receive(
      Array("POST /stream-echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello".utf8))
    await self.host.runStreams()
    #expect(connection.outputText() == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
    #expect(connection.isFinished)
  }

  @Test("a task that answers nothing is a 500, one that stops half-way cuts the connection")
  func endsStreams() async {
    let silent = self.connection()
    silent.receive(Array("GET /stream-nothing HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    await self.host.runStreams()
    #expect(silent.outputText().hasPrefix("HTTP/1.1 500 "))
    let cut = self.connection()
    cut.receive(Array("GET /stream-cut HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    await self.host.runStreams()
    let text = cut.outputText()
    #expect(text.hasSuffix("4\r\nhalf\r\n"))
    #expect(cut.isFinished)
  }

  @Test("a body longer than collected for fails the task")
  func boundsCollect() async {
    let connection = self.connection()
    let body = String(repeating: "x", count: 101)
    connection.receive(
      Array("POST /stream-collect HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n\(body)".utf8))
    await self.host.runStreams()
    #expect(self.service.deliveries.failures == [.tooLong])
    connection.receive(Array("POST /stream-collect HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n".utf8))
    connection.receive(Array(body.dropLast().utf8))
    await self.host.runStreams()
    #expect(connection.outputText().contains("3\r\n100\r\n"))
  }

  @Test("a body that nobody reads stops the reading of the connection")
  func holdsBody() {
    var limits = Limits()
    limits.streamWindowBytes = 1000
    let connection = self.connection(limits)
    connection.receive(Array("POST /stream-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n".utf8))
    #expect(connection.wantsRead)
    connection.receive([UInt8](repeating: 0x78, count: 1000))
    #expect(!connection.wantsRead)
  }

  // MARK: time

  @Test("a head that does not end is a 408, an idle connection just ends, each in its own time")
  func timesOut() {
    let second = NIODeadline.uptimeNanoseconds(1_000_000_000)
    let slow = self.connection()
    slow.receive(Array("GET / HTT".utf8), now: second)
    #expect(slow.nextTimeout == second + .seconds(10))
    slow.receive(Array("P/1".utf8), now: second + .seconds(9))
    slow.timeOut(now: second + .seconds(10))
    #expect(slow.outputText().hasPrefix("HTTP/1.1 408 "))
    #expect(slow.isFinished)
    let idle = self.connection()
    idle.receive(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), now: second)
    _ = idle.output()
    idle.timeOut(now: second + .seconds(179))
    #expect(!idle.isFinished)
    idle.timeOut(now: second + .seconds(180))
    #expect(idle.outputText() == "")
    #expect(idle.isFinished)
  }

  @Test("a body that does not end is a 408")
  func timesOutBody() {
    let second = NIODeadline.uptimeNanoseconds(1_000_000_000)
    let slow = self.connection()
    slow.receive(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n".utf8), now: second)
    slow.receive([0x61], now: second + .seconds(29))
    slow.timeOut(now: second + .seconds(30))
    #expect(slow.outputText().hasPrefix("HTTP/1.1 408 "))
  }

  @Test("while a connection drains its next answer closes it")
  func drains() {
    let connection = self.connection()
    connection.receive(Array("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n".utf8))
    connection.drain(now: .uptimeNanoseconds(2))
    #expect(!connection.isFinished)
    connection.receive([0x61])
    let text = connection.outputText()
    #expect(text.contains("connection: close"))
    #expect(text.hasSuffix("/x 1"))
    #expect(connection.isFinished)
  }
}
