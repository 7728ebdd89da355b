internal import AsyncHTTPClient
internal import NIOCore

/// One watch: the changes after a resourceVersion, as they happen. Ends with nil when the server ends it,
/// which it does every few minutes; go on from the last version seen. Read by one task.
package struct Watch<Object: KubernetesObject>: AsyncSequence {
  package typealias Element = WatchEvent<Object>
  package typealias Failure = KubernetesFault

  private let body: HTTPClientResponse.Body
  private let maxLineBytes: Int

  fileprivate init(body: HTTPClientResponse.Body, maxLineBytes: Int) {
    self.body = body
    self.maxLineBytes = maxLineBytes
  }

  package func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(chunks: self.body.makeAsyncIterator(), lines: WatchLines(maxLineBytes: self.maxLineBytes))
  }

  package struct AsyncIterator: AsyncIteratorProtocol {
    private var chunks: HTTPClientResponse.Body.AsyncIterator
    private var lines: WatchLines

    fileprivate init(chunks: HTTPClientResponse.Body.AsyncIterator, lines: WatchLines) {
      self.chunks = chunks
      self.lines = lines
    }

    package mutating func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async throws(KubernetesFault) -> WatchEvent<Object>? {
      while true {
        if let line = try self.lines.next() { return try WatchEvent(line: line) }
        do {
          guard let chunk = try await self.chunks.next(isolation: actor) else { return nil }
          self.lines.append(chunk.readableBytesView)
        } catch {
          throw APIConnection.fault(error)
        }
      }
    }
  }
}

extension KubernetesClient {
  /// How long the server is asked to let a watch go on.
  private static let watchSeconds = 300

  package func watch<Object: KubernetesObject>(
    _: Object.Type, in namespace: String? = nil, _ selector: Selector = Selector(),
    after resourceVersion: String
  ) async throws(KubernetesFault) -> Watch<Object> {
    var call = APICall(.get, Object.kind, in: self.place(Object.self, namespace))
    call.query =
      selector.query + [
        ("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", resourceVersion),
        ("timeoutSeconds", String(Self.watchSeconds)),
      ]
    return Watch(body: try await self.connection.open(call), maxLineBytes: self.limits.maxLineBytes)
  }
}
