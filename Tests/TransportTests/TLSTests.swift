import COpenSSL
import NIOCore
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(2))) struct TLSTests {
  let files: Certificates

  init() throws { self.files = try Certificates() }

  func configuration(mutual: Bool = false) -> TLSConfiguration {
    TLSConfiguration(
      certificateFile: self.files.path("server.pem"), keyFile: self.files.path("server.key"),
      clientAuthorityFile: mutual ? self.files.path("ca.pem") : nil)
  }

  /// A server session joined to `client` in memory; what the server read.
  func join(_ server: TLSSession, _ client: TLSClient) -> [UInt8] {
    var plain = ByteBuffer()
    while true {
      let toServer = client.output()
      unsafe toServer.withUnsafeBytes { unsafe server.receive($0, plain: &plain) }
      var toClient = ByteBuffer()
      server.takeOutput(into: &toClient)
      client.receive(Array(toClient.readableBytesView))
      if toServer.isEmpty, toClient.readableBytes == 0 { return Array(plain.readableBytesView) }
    }
  }

  @Test(
    "TLS 1.2 and 1.3 are spoken, 1.1 is not", arguments: [TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION])
  func versions(_ version: Int32) throws {
    let server = TLSSession(try TLSContext(self.configuration()))
    let client = TLSClient(self.files, maxVersion: version)
    _ = self.join(server, client)
    if version == TLS1_1_VERSION {
      #expect(!client.isEstablished)
      #expect(server.state != .established)
    } else {
      #expect(client.isEstablished)
      #expect(client.version == version)
      client.send(Array("ping".utf8))
      #expect(self.join(server, client) == Array("ping".utf8))
      let large = [UInt8](repeating: 0x61, count: 100_000)
      #expect(server.send(ByteBuffer(bytes: large)))
      _ = self.join(server, client)
      #expect(client.received == large)
    }
  }

  @Test(
    "ALPN chooses HTTP/2 first, then HTTP/1, nothing without it, and refuses what we do not speak",
    arguments: [
      (["http/1.1", "h2"], "h2", .http2), (["http/1.1"], "http/1.1", .http1), ([], "", nil),
    ] as [([String], String, ALPNProtocol?)])
  func alpn(_ offered: [String], _ chosen: String, _ expected: ALPNProtocol?) throws {
    let server = TLSSession(try TLSContext(self.configuration()))
    let client = TLSClient(self.files, protocols: offered)
    _ = self.join(server, client)
    #expect(client.chosenProtocol == chosen)
    #expect(server.applicationProtocol == expected)
    let stranger = TLSClient(self.files, protocols: ["spdy/1"])
    let refusing = TLSSession(try TLSContext(self.configuration()))
    _ = self.join(refusing, stranger)
    #expect(!stranger.isEstablished)
  }

  @Test(
    "a client's verified names are known; without a certificate, or with a foreign one, there is no connection"
  )
  func mutual() throws {
    let context = try TLSContext(self.configuration(mutual: true))
    let server = TLSSession(context)
    _ = self.join(server, TLSClient(self.files, certificate: "proxy"))
    #expect(server.state == .established)
    #expect(server.peer.names == ["proxy.example", "edge.example", "spiffe://x/proxy"])
    for certificate in [nil, "foreign"] {
      let refusing = TLSSession(context)
      _ = self.join(refusing, TLSClient(self.files, certificate: certificate))
      #expect(refusing.state == .failed)
      #expect(refusing.peer.names == [])
    }
  }

  @Test("a certificate that nobody asked for gives no names")
  func unasked() throws {
    let server = TLSSession(try TLSContext(self.configuration()))
    _ = self.join(server, TLSClient(self.files, certificate: "proxy"))
    #expect(server.state == .established)
    #expect(server.peer.names == [])
  }

  @Test("a renegotiation is refused")
  func renegotiation() throws {
    let server = TLSSession(try TLSContext(self.configuration()))
    let client = TLSClient(self.files, maxVersion: TLS1_2_VERSION)
    _ = self.join(server, client)
    #expect(client.renegotiate())
    client.send(Array("x".utf8))
    _ = self.join(server, client)
    #expect(client.hasFailed || server.state == .failed)
  }

  @Test("garbage fails the handshake")
  func garbage() throws {
    let server = TLSSession(try TLSContext(self.configuration()))
    var plain = ByteBuffer()
    let bytes = Array("GET / HTTP/1.1\r\n\r\n".utf8)
    unsafe bytes.withUnsafeBytes { unsafe server.receive($0, plain: &plain) }
    #expect(server.state == .failed)
    #expect(plain.readableBytes == 0)
  }

  @Test("files that cannot be used are an error that names them and no key material")
  func badFiles() throws {
    var configuration = self.configuration()
    configuration.keyFile = self.files.path("proxy.key")
    #expect {
      try TLSContext(configuration)
    } throws: { error in
      "\(error)".contains(configuration.keyFile)
    }
    configuration.certificateFile = "/nowhere"
    #expect {
      try TLSContext(configuration)
    } throws: { error in
      "\(error)".contains("/nowhere")
    }
  }

  // MARK: live

  /// Speaks TLS on a socket until `condition`.
  func run(_ socket: TestSocket, _ client: TLSClient, until condition: (TLSClient) -> Bool) async {
    while true {
      let out = client.output()
      if !out.isEmpty { socket.send(out) }
      if condition(client) { return }
      let isClosed = await socket.receive { !$0.isEmpty }.isClosed
      client.receive(socket.take())
      if isClosed { return }
    }
  }

  @Test("HTTP/1 and HTTP/2 by ALPN on a live listener, with the client's names")
  func live() async throws {
    try await TestListener.with(tls: self.configuration(mutual: true)) { test in
      let first = TLSClient(self.files, certificate: "proxy", protocols: ["http/1.1"])
      let socket = try await test.connect()
      await self.run(socket, first) { $0.isEstablished }
      first.send(Array("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8))
      await self.run(socket, first) { _ in false }
      let text = String(decoding: first.received, as: UTF8.self)
      #expect(text.hasSuffix("proxy.example edge.example spiffe://x/proxy"))

      let second = TLSClient(self.files, certificate: "proxy", protocols: ["h2"])
      let http2 = try await test.connect()
      let client = HTTP2Client()
      let id = client.request("/marked")
      await self.run(http2, second) { $0.isEstablished }
      second.send(client.output())
      var taken = 0
      await self.run(http2, second) { tls in
        client.receive(Array(tls.received[taken...]))
        taken = tls.received.count
        return client.answers[id]?.isEnded == true
      }
      #expect(client.answers[id]?.text == "marked")
      #expect(test.service.deliveries.all == [.written])

      let stranger = TLSClient(self.files, protocols: ["h2"])
      let refused = try await test.connect()
      await self.run(refused, stranger) { _ in false }
      #expect(test.counters.count(of: .handshake) == 1)
    }
  }
}
