internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Calls to mints over HTTP. Follows no redirect, decompresses nothing, reads a bounded body.
package struct HTTPMintTransport: MintTransport {
  /// A mint with 200 keysets of 64 keys answers with 1 MB; its other answers are far shorter.
  static let maxBodyBytes = 1 << 20

  private let client: HTTPClient

  package init() {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.decompression = .disabled
    configuration.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(3))
    // Uvicorn, in front of every Nutshell mint, closes an idle connection after 5 s.
    configuration.connectionPool.idleTimeout = .seconds(4)
    // We have a recovery of our own, and it must know that nothing was sent.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.httpVersion = .http1Only
    self.client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Closes the connections. Call once, when nothing is sent any more.
  package func shutdown() async {
    // It fails only for a client that was shut down before.
    try? await self.client.shutdown().get()
  }

  package func send(_ call: MintCall, to mint: MintURL) async -> MintReply {
    // The request's own deadline ends with the answer's head, so a mint that drips its body is cut off here.
    await withTaskGroup(of: MintReply.self) { group in
      group.addTask { await self.exchange(call, with: mint) }
      group.addTask {
        try? await Task.sleep(for: call.timeout)
        return .silent(.timedOut)
      }
      let first = await group.next() ?? .silent(.timedOut)
      group.cancelAll()
      return first
    }
  }

  private func exchange(_ call: MintCall, with mint: MintURL) async -> MintReply {
    var request = HTTPClientRequest(url: mint.text + call.path)
    request.headers.add(name: "accept", value: "application/json")
    let body: SentBody?
    switch call.verb {
    case .get:
      request.method = .GET
      body = nil
    case .post(let bytes):
      request.method = .POST
      request.headers.add(name: "content-type", value: "application/json")
      let sent = SentBody(bytes)
      request.body = .stream(sent, length: .known(Int64(bytes.count)))
      body = sent
    }
    do {
      let response = try await self.client.execute(request, timeout: TimeAmount(call.timeout))
      let retryAfter = response.headers.first(name: "retry-after").flatMap { Int($0) }
      let buffer: ByteBuffer
      do {
        buffer = try await response.body.collect(upTo: Self.maxBodyBytes)
      } catch is NIOTooManyBytesError {
        return .silent(.tooLong)
      }
      return .answered(
        status: Int(response.status.code), body: Array(buffer.readableBytesView),
        retryAfterSeconds: retryAfter
      )
    } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
      return .silent(body?.wasAskedFor ?? true ? .timedOut : .notSent)
    } catch {
      // Every other error is a connection that failed, before or after the call went out.
      return .silent(body?.wasAskedFor ?? true ? .disconnected : .notSent)
    }
  }
}

/// A body that knows whether it was asked for. The client asks once it has a connection and has written the
/// head; a mint that never got the body has not acted on the call.
private final class SentBody: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  private let bytes: [UInt8]
  private let asked = Atomic(false)

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var wasAskedFor: Bool { self.asked.load(ordering: .acquiring) }

  func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate var body: SentBody?

    mutating func next() async -> ByteBuffer? {
      guard let body = self.body.take() else { return nil }
      body.asked.store(true, ordering: .releasing)
      return ByteBuffer(bytes: body.bytes)
    }
  }
}
