@testable import Cashu
import NIOCore
import NIOPosix
@testable import Outbound
import Synchronization
import Testing

/// Answers every connection with fixed bytes, chosen by the first segment of the path.
private final class RawServer: Sendable {
  enum Behaviour: Sendable {
    case answer(String)
    case answerAndDrip(String)
    case close
    case hang
  }

  private let channel: any Channel
  let requests: Requests

  final class Requests: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String) { self.texts.withLock { $0.append(text) } }
    var all: [String] { self.texts.withLock { $0 } }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let behaviours: [String: Behaviour]
    let requests: Requests
    private var text = ""

    init(_ behaviours: [String: Behaviour], _ requests: Requests) {
      self.behaviours = behaviours
      self.requests = requests
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      self.text += String(buffer: self.unwrapInboundIn(data))
      // With its body: before that nothing counts as sent.
      guard let head = self.text.firstRange(of: "\r\n\r\n"),
        self.text.hasPrefix("GET /") || !self.text[head.upperBound...].isEmpty
      else { return }
      let text = self.text
      self.text = ""
      self.requests.add(text)
      let path = text.split(separator: " ")[1].split(separator: "/").first.map(String.init) ?? ""
      switch self.behaviours[path] ?? .close {
      case .answer(let answer), .answerAndDrip(let answer):
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
      case .close: context.close(promise: nil)
      case .hang: break
      }
    }
  }

  init(_ behaviours: [String: Behaviour]) async throws {
    let requests = Requests()
    self.requests = requests
    self.channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(behaviours, requests))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  var port: Int { self.channel.localAddress?.port ?? 0 }

  func stop() async throws { try await self.channel.close().get() }
}

@Suite("Calls to a mint over HTTP")
struct OutboundHTTPTests {
  static func response(_ status: String, _ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 \(status)\r\ncontent-length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
  }

  /// The reply to a POST at each kind of bad mint, by the first segment of its address.
  @Test(
    "a call ends within its time, follows nothing and reads a bounded body",
    arguments: [
      ("ok", OutboundReply.answered(status: 200, body: Array("{}".utf8), retryAfterSeconds: nil)),
      ("busy", .answered(status: 429, body: [], retryAfterSeconds: 7)),
      ("moved", .answered(status: 307, body: [], retryAfterSeconds: nil)),
      ("close", .silent(.disconnected)),
      ("hang", .silent(.timedOut)),
      ("drip", .silent(.timedOut)),
      ("long", .silent(.tooLong)),
      ("endless", .silent(.tooLong)),
    ])
  func replies(kind: String, expected: OutboundReply) async throws {
    let tooLong = String(repeating: "x", count: OutboundHTTP.maxBodyBytes + 1)
    let chunk = "100001\r\n" + tooLong + "\r\n"
    let server = try await RawServer([
      "ok": .answer(Self.response("200 OK", "{}")),
      "busy": .answer(Self.response("429 Too Many Requests", "", "retry-after: 7\r\n")),
      "moved": .answer(Self.response("307 Temporary Redirect", "", "location: /ok/v1/swap\r\n")),
      "close": .close,
      "hang": .hang,
      "drip": .answerAndDrip("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"),
      "long": .answer(Self.response("200 OK", tooLong)),
      "endless": .answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk),
    ])
    let transport = OutboundHTTP()
    let url = "http://127.0.0.1:\(server.port)/\(kind)/v1/swap"
    // Only where the time-out is what is tested may it be short: a busy machine is slow.
    let timeout: Duration = expected == .silent(.timedOut) ? .seconds(1) : .seconds(30)
    let call = OutboundCall(.post(Array("{\"inputs\":[]}".utf8)), url, timeout: timeout)
    #expect(await transport.send(call) == expected)
    #expect(server.requests.all.count == 1)
    #expect(server.requests.all.first?.hasPrefix("POST /\(kind)/v1/swap HTTP/1.1\r\n") == true)
    await transport.shutdown()
    try await server.stop()
  }

  @Test("without a connection nothing was sent, and that is known")
  func notSent() async throws {
    let server = try await RawServer([:])
    let port = server.port
    try await server.stop()
    let transport = OutboundHTTP()
    let call = OutboundCall(.post([]), "http://127.0.0.1:\(port)/v1/swap", timeout: .seconds(5))
    #expect(await transport.send(call) == .silent(.notSent))
    await transport.shutdown()
  }
}
