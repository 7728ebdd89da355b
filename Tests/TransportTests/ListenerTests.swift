import NIOCore
import NIOPosix
import Octets
import Testing

@testable import Transport

/// Live sockets on a free port.
@Suite(.timeLimit(.minutes(2))) struct ListenerTests {
  @Test("HTTP/1: a connection is kept, used again, and closed when asked")
  func http1() async throws {
    try await TestListener.with { test in
      let socket = try await test.connect()
      socket.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await socket.receive { $0.hasSuffix("/1 0") }.isClosed == false)
      socket.send("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      let text = await socket.receiveUntilClose()
      #expect(text.hasSuffix("connection: close\r\n\r\n/2 0"))
      #expect(test.counters.opened == 1)
      #expect(test.counters.bytesReceived > 50)
      #expect(test.counters.bytesSent == text.utf8.count)
    }
  }

  @Test("HTTP/2 by its preface on the same port")
  func http2() async throws {
    try await TestListener.with { test in
      let socket = try await test.connect()
      let client = HTTP2Client()
      let now = client.request("/x", method: "POST", body: Array("hello".utf8))
      let later = client.request("/later")
      await socket.run(client) { $0.answers[now]?.isEnded == true && $0.answers[later]?.isEnded == true }
      #expect(client.answers[now]?.text == "/x 5")
      #expect(client.answers[later]?.text == "later")
      #expect(test.service.deliveries.all == [.written])
    }
  }

  @Test("the preface may come byte by byte, and a POST is not taken for it")
  func sniffs() async throws {
    try await TestListener.with { test in
      let socket = try await test.connect()
      for byte in "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".utf8 { socket.send([byte]) }
      #expect(await socket.receive { $0.hasSuffix("/p 0") }.isClosed == false)
      let other = try await test.connect()
      let client = HTTP2Client()
      let id = client.request("/x")
      for byte in client.output() { other.send([byte]) }
      await other.run(client) { $0.answers[id]?.isEnded == true }
      #expect(client.answers[id]?.text == "/x 0")
    }
  }

  @Test("a unix socket serves, and its file is gone after the stop")
  func unixSocket() async throws {
    let path = "/tmp/turnpike-\(UInt64.random(in: 0...UInt64.max)).sock"
    try await TestListener.with(address: "unix:\(path)") { test in
      let socket = try await test.connect()
      socket.send("GET /u HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await socket.receive { $0.hasSuffix("/u 0") }.isClosed == false)
    }
    let group = MultiThreadedEventLoopGroup.singleton
    await #expect(throws: (any Error).self) { try await TestSocket(.unix(path: path), group: group) }
  }

  @Test("a streamed answer larger than all buffers arrives whole, to a reader that begins late")
  func streams() async throws {
    try await TestListener.with { test in
      let socket = try await test.connect()
      socket.send("GET /stream-large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      let text = await socket.receiveUntilClose()
      #expect(text.utf8.filter { $0 == 0x61 }.count >= 64 * 16 * 1024)
      #expect(text.hasSuffix("0\r\n\r\n"))
      let client = HTTP2Client()
      let second = try await test.connect()
      let id = client.request("/stream-large")
      await second.run(client) { $0.answers[id]?.isEnded == true }
      #expect(client.answers[id]?.body.count == 64 * 16 * 1024)
    }
  }

  @Test("a body larger than all windows is echoed while it arrives")
  func echoes() async throws {
    try await TestListener.with { test in
      let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let client = HTTP2Client()
      let http2 = try await test.connect()
      let id = client.request("/stream-echo", method: "POST", body: body)
      await http2.run(client) { $0.answers[id]?.isEnded == true }
      #expect(client.answers[id]?.body == body)
      let http1 = try await test.connect()
      http1.send("POST /stream-echo HTTP/1.0\r\nContent-Length: \(body.count)\r\n\r\n")
      http1.send(body)
      await http1.receiveUntilClose()
      #expect(Array(http1.take().suffix(body.count)) == body)
    }
  }

  @Test("a broken request is answered before the connection ends, though more of it is on the way")
  func lingers() async throws {
    try await TestListener.with { test in
      let socket = try await test.connect()
      socket.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
      socket.send([UInt8](repeating: 0x61, count: 500_000))
      #expect(await socket.receiveUntilClose().hasPrefix("HTTP/1.1 413 "))
    }
  }

  // MARK: slow and many

  @Test("a client that sends nothing is closed")
  func silentClient() async throws {
    var limits = Limits()
    limits.handshakeTimeout = .milliseconds(30)
    try await TestListener.with(limits: limits) { test in
      let silent = try await test.connect()
      #expect(await silent.receiveUntilClose() == "")
      #expect(test.counters.count(of: .timeout) == 1)
    }
  }

  @Test("a client that does not end its head is closed")
  func slowClients() async throws {
    var limits = Limits()
    limits.headerTimeout = .milliseconds(30)
    try await TestListener.with(limits: limits) { test in
      let slow = try await test.connect()
      slow.send("GET / HTTP/1.1\r\nHo")
      #expect(await slow.receiveUntilClose().hasPrefix("HTTP/1.1 408 "))
      let client = HTTP2Client()
      let http2 = try await test.connect()
      // HEADERS without END_HEADERS, and then nothing.
      http2.send(client.output() + HTTP2AbuseTests.frame(1, flags: 1, stream: 1, HTTP2AbuseTests.request))
      await http2.run(client, sends: false) { !$0.inbox.goAways.isEmpty }
      #expect(client.inbox.goAways.last?.code == HTTP2ErrorCode.enhanceYourCalm.rawValue)
      #expect(test.counters.count(of: .timeout) == 2)
    }
  }

  @Test("an idle connection is closed")
  func idleClient() async throws {
    var limits = Limits()
    limits.idleTimeout = .milliseconds(30)
    try await TestListener.with(limits: limits) { test in
      let socket = try await test.connect()
      socket.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await socket.receiveUntilClose().hasSuffix("/x 0"))
    }
  }

  @Test("a client that reads nothing is closed, and its answers that waited are lost")
  func neverReads() async throws {
    var limits = Limits()
    limits.writeTimeout = .milliseconds(50)
    limits.outputBytes = 16 * 1024
    try await TestListener.with(limits: limits) { test in
      let socket = try await test.connect(reads: false)
      let large = String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 4)
      socket.send(large + "GET /marked HTTP/1.1\r\nHost: a\r\n\r\n")
      while test.counters.closed == 0 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(test.counters.count(of: .timeout) == 1)
      #expect(test.service.deliveries.all.contains(.written) == false)
      socket.close()
    }
  }

  @Test("one connection over the limit is closed, and there is room again when one has ended")
  func boundsConnections() async throws {
    var limits = Limits()
    limits.connections = 1
    try await TestListener.with(limits: limits) { test in
      let first = try await test.connect()
      first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
      await first.receive { $0.hasSuffix("/1 0") }
      let second = try await test.connect()
      #expect(await second.receiveUntilClose() == "")
      #expect(test.counters.count(of: .refused) == 1)
      first.close()
      while test.counters.closed == 0 { try await Task.sleep(for: .milliseconds(5)) }
      let third = try await test.connect()
      third.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await third.receive { $0.hasSuffix("/3 0") }.isClosed == false)
    }
  }

  // MARK: delivery

  @Test("an answer is written when the socket took it, lost when the client left before")
  func deliveries() async throws {
    try await TestListener.with { test in
      let stays = try await test.connect()
      stays.send("GET /marked HTTP/1.1\r\nHost: a\r\n\r\n")
      await stays.receive { $0.hasSuffix("marked") }
      #expect(test.service.deliveries.all == [.written])
      let leaves = try await test.connect()
      leaves.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
      while test.service.deliveries.waitingCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
      leaves.close()
      while test.counters.closed == 0 { try await Task.sleep(for: .milliseconds(5)) }
      test.service.deliveries.openGate()
      while test.service.deliveries.all.count < 2 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(test.service.deliveries.all == [.written, .lost])
    }
  }

  @Test("an answer that the channel holds behind another is lost when the client leaves")
  func losesHeldAnswer() async throws {
    var limits = Limits()
    limits.outputBytes = 64 * 1024 * 1024
    try await TestListener.with(limits: limits) { test in
      let socket = try await test.connect(reads: false)
      let large = String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 4)
      socket.send(large + "GET /marked HTTP/1.1\r\nHost: a\r\n\r\n")
      while test.counters.bytesSent < 16 * 1024 * 1024 + 5 * 30 {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(test.service.deliveries.all == [])
      socket.close()
      while test.counters.closed == 0 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(test.service.deliveries.all == [.lost])
    }
  }

  // MARK: stopping

  @Test("a graceful stop: no new connections, open requests finish, idle connections end, run returns")
  func stops() async throws {
    try await TestListener.with { test in
      let idle = try await test.connect()
      idle.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
      await idle.receive { $0.hasSuffix("/1 0") }
      let busy = try await test.connect()
      busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
      let client = HTTP2Client()
      let http2 = try await test.connect()
      let id = client.request("/gate")
      http2.send(client.output())
      while test.service.deliveries.waitingCount < 2 { try await Task.sleep(for: .milliseconds(5)) }
      test.listener.beginShutdown(within: .seconds(60))
      #expect(await idle.receiveUntilClose().hasSuffix("/1 0"))
      await http2.run(client) { $0.inbox.goAways.last?.last == id }
      #expect(client.inbox.goAways.map(\.last) == [Int32.max, id])
      test.service.deliveries.openGate()
      await http2.run(client) { $0.answers[id]?.isEnded == true }
      #expect(client.answers[id]?.text == "gate")
      let text = await busy.receiveUntilClose()
      #expect(text.contains("connection: close"))
      #expect(text.hasSuffix("gate"))
      await #expect(throws: (any Error).self) { try await test.connect() }
    }
  }

  @Test("what does not end before the deadline of a stop is closed")
  func stopsHard() async throws {
    try await TestListener.with { test in
      let busy = try await test.connect()
      busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
      while test.service.deliveries.waitingCount < 1 { try await Task.sleep(for: .milliseconds(5)) }
      test.listener.beginShutdown(within: .milliseconds(20))
      #expect(await busy.receiveUntilClose() == "")
      test.service.deliveries.openGate()
    }
  }

  @Test("an address that is taken is an error that names it")
  func addressInUse() async throws {
    try await TestListener.with { test in
      let second = try Listener(
        address: test.address, service: ScriptedService(), group: test.group)
      await #expect(throws: TransportError.self) { try await second.bind() }
    }
  }
}
