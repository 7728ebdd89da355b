internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Octets

/// Carries calls to one API server over HTTP/1.1 and TLS. A watch takes a connection of its own; with HTTP/2
/// all calls would hang together on one that died unnoticed.
struct APIConnection: Sendable {
  struct Answer: Sendable {
    var status: Int
    var retryAfter: Duration?
    var body: [UInt8]
  }

  private let access: ClusterAccess
  private let token: TokenSource
  private let calls: HTTPClient
  private let watches: HTTPClient
  private let limits: KubernetesLimits

  init(_ access: ClusterAccess, _ limits: KubernetesLimits) throws(ClusterAccessFault) {
    self.access = access
    self.token = TokenSource(access.credential)
    self.limits = limits
    let tls = try access.tlsConfiguration()
    var configuration = HTTPClient.Configuration()
    configuration.tlsConfiguration = tls
    configuration.redirectConfiguration = .disallow
    configuration.decompression = .disabled
    configuration.timeout = HTTPClient.Configuration.Timeout(connect: TimeAmount(limits.connectTimeout))
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.httpVersion = .http1Only
    self.calls = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    // A server that has nothing to tell sends a bookmark about once a minute.
    configuration.timeout = HTTPClient.Configuration.Timeout(
      connect: TimeAmount(limits.connectTimeout), read: TimeAmount(limits.watchIdleTimeout))
    self.watches = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  func shutdown() async {
    // Each fails only when it was shut down before.
    try? await self.calls.shutdown().get()
    try? await self.watches.shutdown().get()
  }

  /// Comes back within the call's time-out, also from a server that drips its body.
  func send(_ call: APICall) async throws(KubernetesFault) -> Answer {
    let first = try await self.bounded(call)
    guard first.status == 401, self.token.forget() else { return first }
    // The token was replaced since it was read.
    return try await self.bounded(call)
  }

  /// Opens a watch: the head of the answer has come and is 200.
  func open(_ call: APICall) async throws(KubernetesFault) -> HTTPClientResponse.Body {
    let request = try self.request(call)
    do {
      let response = try await self.watches.execute(request, timeout: TimeAmount(self.limits.watchTimeout))
      if response.status == .ok { return response.body }
      let status = Int(response.status.code)
      if status == 401 { _ = self.token.forget() }
      let body = try await response.body.collect(upTo: self.limits.maxStatusBytes)
      throw KubernetesFault(
        Status(code: status, body: Array(body.readableBytesView)),
        retryAfter: Self.retryAfter(response.headers))
    } catch {
      throw Self.fault(error)
    }
  }

  private func bounded(_ call: APICall) async throws(KubernetesFault) -> Answer {
    let outcome = await withTaskGroup(of: Result<Answer, KubernetesFault>.self) { group in
      group.addTask {
        do throws(KubernetesFault) { return .success(try await self.exchange(call)) } catch {
          return .failure(error)
        }
      }
      group.addTask {
        // Cancelled when the answer is there.
        try? await Task.sleep(for: self.limits.callTimeout)
        return .failure(.unreachable(.timedOut))
      }
      let first = await group.next() ?? .failure(.unreachable(.timedOut))
      group.cancelAll()
      return first
    }
    return try outcome.get()
  }

  private func exchange(_ call: APICall) async throws(KubernetesFault) -> Answer {
    let request = try self.request(call)
    do {
      let response = try await self.calls.execute(request, timeout: TimeAmount(self.limits.callTimeout))
      let body = try await response.body.collect(upTo: self.limits.maxBodyBytes)
      return Answer(
        status: Int(response.status.code), retryAfter: Self.retryAfter(response.headers),
        body: Array(body.readableBytesView))
    } catch {
      throw Self.fault(error)
    }
  }

  private func request(_ call: APICall) throws(KubernetesFault) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: self.access.server + call.target)
    request.headers.add(name: "accept", value: "application/json")
    request.headers.add(name: "user-agent", value: "turnpike")
    if let token = try self.token.current() {
      request.headers.add(name: "authorization", value: "Bearer \(token.text)")
    }
    switch call.verb {
    case .get: request.method = .GET
    case .post(let body):
      request.method = .POST
      request.headers.add(name: "content-type", value: "application/json")
      request.body = .bytes(body)
    case .mergePatch(let body):
      request.method = .PATCH
      request.headers.add(name: "content-type", value: "application/merge-patch+json")
      request.body = .bytes(body)
    case .delete(let body):
      request.method = .DELETE
      request.headers.add(name: "content-type", value: "application/json")
      request.body = .bytes(body)
    }
    return request
  }

  /// Seconds only: the API server sends no dates there.
  private static func retryAfter(_ fields: HTTPHeaders) -> Duration? {
    fields.first(name: "retry-after").flatMap { Int($0) }.map { .seconds(min(max($0, 0), 3600)) }
  }

  static func fault(_ error: any Error) -> KubernetesFault {
    switch error {
    case let fault as KubernetesFault: fault
    case is NIOTooManyBytesError: .malformed("longer than we read")
    case is CancellationError: .unreachable(.timedOut)
    case let error as HTTPClientError
    where [.deadlineExceeded, .readTimeout, .connectTimeout].contains(error):
      .unreachable(.timedOut)
    case let error as HTTPClientError where error == .cancelled: .unreachable(.timedOut)
    // TLS and socket errors name no secret: a certificate's subject at most.
    default: .unreachable(.disconnected(String(String(describing: error).prefix(200))))
    }
  }
}

/// Bounds of every call. The defaults suit a cluster of any size.
package struct KubernetesLimits: Sendable {
  package var connectTimeout: Duration = .seconds(3)
  /// Of a whole call; an API server's own is 60 s, and a proxy in front of us waits 30 s.
  package var callTimeout: Duration = .seconds(10)
  /// One watch; the server is asked to end it before.
  package var watchTimeout: Duration = .seconds(330)
  /// Without a byte, bookmarks included, a watch is taken for dead.
  package var watchIdleTimeout: Duration = .seconds(90)
  /// A page of a list.
  package var maxBodyBytes = 16 << 20
  package var maxStatusBytes = 64 << 10
  /// One watch event: etcd holds objects of 1.5 MiB.
  package var maxLineBytes = 2 << 20
  /// Objects in one page of a list.
  package var pageSize = 100

  package init() {}
}
