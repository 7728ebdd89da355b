internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Calls over HTTP/1.1. Follows no redirect, decompresses nothing, reads a bounded body.
package struct OutboundHTTP: OutboundTransport {
  /// A mint with 200 keysets of 64 keys answers with 1 MB; all other answers are far shorter.
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

  package func send(_ call: OutboundCall) async -> OutboundReply {
    // The request's own deadline ends with the answer's head, so a peer that drips its body is cut off here.
    await withTaskGroup(of: OutboundReply.self) { group in
      group.addTask { await self.exchange(call) }
      group.addTask {
        try? await Task.sleep(for: call.timeout)
        return .silent(.timedOut)
      }
      let first = await group.next() ?? .silent(.timedOut)
      group.cancelAll()
      return first
    }
  }

  private func exchange(_ call: OutboundCall) async -> OutboundReply {
    var request = HTTPClientRequest(url: call.url)
    request.headers.add(name: "accept", value: "application/json")
    for field in call.fields { request.headers.replaceOrAdd(name: field.name, value: field.value) }
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

/// A whole answer, for the commands that look at one (`turnpike dev pay`).
package struct OutboundPage: Sendable {
  package var status: Int
  package var fields: [OutboundCall.Field]
  package var body: [UInt8]

  /// The first of this name, in any case.
  package func field(_ name: String) -> String? {
    self.fields.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

extension OutboundHTTP {
  /// Gets a page of whoever the user of a command named; nil when there is no answer.
  package func page(
    at url: String, method: String = "GET", fields: [OutboundCall.Field], body: [UInt8]? = nil,
    timeout: Duration
  ) async -> OutboundPage? {
    var request = HTTPClientRequest(url: url)
    request.method = HTTPMethod(rawValue: method)
    for field in fields { request.headers.replaceOrAdd(name: field.name, value: field.value) }
    if let body { request.body = .bytes(body) }
    guard let response = try? await self.client.execute(request, timeout: TimeAmount(timeout)),
      let answer = try? await response.body.collect(upTo: Self.maxBodyBytes)
    else { return nil }
    return OutboundPage(
      status: Int(response.status.code),
      fields: response.headers.map { OutboundCall.Field($0.name, $0.value) },
      body: Array(answer.readableBytesView))
  }
}

/// A body that knows whether it was asked for. The client asks once it has a connection and has written the
/// head; a peer that never got the body has not acted on the call.
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
