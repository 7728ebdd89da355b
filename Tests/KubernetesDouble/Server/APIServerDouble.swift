private import Glibc
package import JSON
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// A Kubernetes API server for tests, in this process: plain HTTP or TLS on a loopback port, the objects that
/// we use, watches with bookmarks, the rules that our calls could break, toy controllers, and faults on
/// order. Time stands still until ``advance(by:)``.
package final class APIServerDouble: Sendable {
  package enum Security: Sendable { case plain, tls }

  private struct State {
    var cluster = ClusterState()
    var watchers: [Watcher] = []
    var faults: [(matches: @Sendable (APIRequest) -> Bool, fault: APIFault)] = []
    var requests: [APIRequest] = []
    var tokens: Set<String>?
    var permissions: Set<Permission>?
    var oldestToken = 0
    var isDown = false
    var sent: UInt64 = 1000
  }

  struct Watcher: Sendable {
    var channel: any Channel
    var resource: Resource
    var namespace: String
    var filter: ObjectFilter
  }

  private let state = Mutex(State())
  private let listener: any Channel
  package let port: Int
  package let security: Security

  /// `https://127.0.0.1:PORT` or its plain form.
  package var url: String { "\(self.security == .tls ? "https" : "http")://127.0.0.1:\(self.port)" }

  private init(listener: any Channel, security: Security, box: Box) {
    self.listener = listener
    self.port = listener.localAddress?.port ?? 0
    self.security = security
    box.server.withLock { $0 = self }
  }

  /// What the handlers hold before there is a server.
  final class Box: Sendable {
    let server = Mutex<APIServerDouble?>(nil)
  }

  package static func start(_ security: Security = .plain, port: Int = 0) async throws -> APIServerDouble {
    let box = Box()
    let tls: NIOSSLContext? =
      security == .tls
      ? try NIOSSLContext(
        configuration: .makeServerConfiguration(
          certificateChain: NIOSSLCertificate.fromPEMBytes(Array(TestCertificate.chain.utf8)).map {
            .certificate($0)
          },
          privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(TestCertificate.key.utf8), format: .pem))))
      : nil
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton.next())
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
          try pipeline.configureHTTPServerPipeline()
          try pipeline.addHandler(APIRequestHandler(box: box))
        }
      }
      .bind(host: "127.0.0.1", port: port).get()
    return APIServerDouble(listener: listener, security: security, box: box)
  }

  package func stop() async {
    try? await self.listener.close().get()
    self.dropWatches()
  }

  // MARK: What handlers ask

  enum Outcome {
    case answer(Int, JSON, retryAfterSeconds: Int? = nil)
    case raw([UInt8])
    /// The head of a watch, then its first lines; the channel is a watcher now.
    case watch
    case close
    case none
  }

  func handle(_ request: APIRequest, on channel: any Channel) {
    self.state.withLock { state in
      state.requests.append(request)
      let outcome = Self.outcome(of: request, on: channel, &state)
      Self.write(outcome, to: channel, keepsAlive: request.fields["connection"] != "close")
      if case .watch = outcome { Self.openWatch(request, on: channel, &state) }
      Self.tell(&state)
    }
  }

  private static func outcome(of request: APIRequest, on channel: any Channel, _ state: inout State)
    -> Outcome
  {
    if state.isDown { return .close }
    if let tokens = state.tokens {
      if !tokens.contains(request.token), ClusterState.account(token: request.token) == nil {
        return .answer(401, Refusal(401, "Unauthorized", "Unauthorized").json)
      }
    }
    var fault: APIFault?
    if let index = state.faults.firstIndex(where: { $0.matches(request) }) {
      fault = state.faults.remove(at: index).fault
    }
    switch fault {
    case .status(let code, let reason, let seconds):
      let refusal = Refusal(code, reason, "a fault that a test ordered")
      return .answer(code, refusal.json, retryAfterSeconds: seconds)
    case .drop: return .close
    case .down:
      self.takeDown(&state)
      return .close
    case .stall: return .none
    case .garbage(let bytes): return .raw(bytes)
    case .dropAfterwards:
      _ = self.perform(request, &state)
      return .close
    case nil: return self.perform(request, &state)
    }
  }

  private static func perform(_ request: APIRequest, _ state: inout State) -> Outcome {
    if request.path == "/version" { return .answer(200, .record(["gitVersion": .string("v1.34.0-double")])) }
    guard let place = request.place else {
      return .answer(404, Refusal(404, "NotFound", "the server could not find the requested resource").json)
    }
    var isAllowed =
      state.permissions.map { $0.contains(Permission(request.verb, place.resource.qualified)) } ?? true
    if let account = ClusterState.account(token: request.token) {
      isAllowed = state.cluster.allows(account, request.verb, place.resource, in: place.namespace)
    }
    guard isAllowed else {
      let text =
        "User \"turnpike\" cannot \(request.verb) resource \"\(place.resource.rawValue)\" in the namespace "
        + "\"\(place.namespace)\""
      return .answer(403, Refusal.forbidden(place.resource, place.name ?? "", text).json)
    }
    do throws(Refusal) { return try self.result(request, place, &state) } catch {
      return .answer(error.code, error.json, retryAfterSeconds: error.retryAfterSeconds)
    }
  }

  private static func result(
    _ request: APIRequest, _ place: APIRequest.Place,
    _ state: inout State
  ) throws(Refusal) -> Outcome {
    let key = ObjectStore.Key(
      resource: place.resource, namespace: place.resource == .namespaces ? "" : place.namespace,
      name: place.name ?? "")
    if place.resource == .serviceaccounts, place.subresource == "token", request.verb == "create" {
      return .answer(201, try state.cluster.token(of: key))
    }
    switch request.verb {
    case "get": return .answer(200, try state.cluster.get(key))
    case "list": return .answer(200, try self.list(request, place.resource, place.namespace, &state))
    case "watch": return .watch
    case "create":
      guard let body = request.json else { throw Refusal(400, "BadRequest", "the body is no JSON") }
      let dryRun = request.query["dryRun"] == "All"
      return .answer(201, try state.cluster.create(place.resource, in: place.namespace, body, dryRun: dryRun))
    case "patch":
      guard request.fields["content-type"] == "application/merge-patch+json", let body = request.json else {
        throw Refusal(415, "UnsupportedMediaType", "the double takes merge patches only")
      }
      return .answer(200, try state.cluster.patch(key, body))
    case "delete": return .answer(200, try state.cluster.delete(key, options: request.json ?? .object([])))
    default: throw Refusal(405, "MethodNotAllowed", "the double does not know \(request.method)")
    }
  }

  private static func list(
    _ request: APIRequest, _ resource: Resource, _ namespace: String, _ state: inout State
  ) throws(Refusal) -> JSON {
    guard
      let filter = ObjectFilter(
        labels: request.query["labelSelector"] ?? "", fields: request.query["fieldSelector"] ?? "")
    else { throw Refusal(400, "BadRequest", "unable to parse the selector") }
    let all = state.cluster.store.all(resource, in: namespace.isEmpty ? nil : namespace).map(\.object)
      .filter { filter.matches($0) }
    var start = 0
    if let token = request.query["continue"] {
      let parts = token.split(separator: "-").compactMap { Int($0) }
      guard parts.count == 2, parts[0] >= state.oldestToken else {
        throw Refusal(410, "Expired", "The provided continue parameter is too old")
      }
      start = parts[1]
    }
    let limit = request.query["limit"].flatMap { Int($0) } ?? all.count
    let page = all.dropFirst(start).prefix(limit)
    let isLast = start + page.count >= all.count
    return .record([
      "kind": .string("\(resource.kind)List"), "apiVersion": .string(resource.apiVersion),
      "metadata": .record([
        "resourceVersion": .string(String(state.cluster.store.version)),
        "continue": .string(isLast ? "" : "\(state.oldestToken)-\(start + page.count)"),
      ]),
      // Members of a list have no kind of their own.
      "items": .array(
        page.map { object in
          var item = object
          item.put(nil, at: "kind")
          item.put(nil, at: "apiVersion")
          return item
        }),
    ])
  }

  // MARK: Watches

  private static func openWatch(_ request: APIRequest, on channel: any Channel, _ state: inout State) {
    guard let place = request.place,
      let filter = ObjectFilter(
        labels: request.query["labelSelector"] ?? "", fields: request.query["fieldSelector"] ?? "")
    else { return }
    let after = request.query["resourceVersion"].flatMap { UInt64($0) } ?? state.cluster.store.version
    let watcher = Watcher(
      channel: channel, resource: place.resource, namespace: place.namespace, filter: filter)
    if after < state.cluster.store.floor {
      let refusal = Refusal(410, "Expired", "too old resource version: \(after)")
      self.send("ERROR", refusal.json, to: channel)
      self.finish(channel)
      return
    }
    for change in state.cluster.store.history where change.version > after && change.version <= state.sent {
      self.send(change, to: watcher)
    }
    state.watchers.append(watcher)
  }

  /// What has happened since the last time, to all who watch.
  private static func tell(_ state: inout State) {
    state.watchers.removeAll { !$0.channel.isActive }
    for change in state.cluster.store.history where change.version > state.sent {
      for watcher in state.watchers { self.send(change, to: watcher) }
    }
    state.sent = state.cluster.store.version
  }

  private static func send(_ change: ObjectStore.Change, to watcher: Watcher) {
    guard watcher.resource == change.key.resource,
      watcher.namespace.isEmpty || watcher.namespace == change.key.namespace,
      watcher.filter.matches(change.object)
    else { return }
    self.send(change.kind.rawValue, change.object, to: watcher.channel)
  }

  private static func send(_ type: String, _ object: JSON, to channel: any Channel) {
    let line = JSONWriter.write(.record(["type": .string(type), "object": object])) + [0x0A]
    self.send(line, to: channel)
  }

  // Always through the loop's queue, so that nothing overtakes.
  private static func send(_ bytes: [UInt8], to channel: any Channel) {
    channel.eventLoop.execute {
      channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
    }
  }

  private static func finish(_ channel: any Channel) {
    channel.eventLoop.execute { channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil) }
  }

  private static func write(_ outcome: Outcome, to channel: any Channel, keepsAlive: Bool) {
    channel.eventLoop.execute {
      switch outcome {
      case .none: return
      case .close: channel.close(promise: nil)
      case .watch:
        let head = HTTPResponseHead(
          version: .http1_1, status: .ok,
          headers: ["content-type": "application/json", "transfer-encoding": "chunked"])
        channel.writeAndFlush(HTTPServerResponsePart.head(head), promise: nil)
      case .raw(let bytes): self.write(200, bytes, nil, to: channel)
      case .answer(let status, let json, let seconds):
        self.write(status, JSONWriter.write(json), seconds, to: channel)
      }
    }
  }

  private static func write(_ status: Int, _ bytes: [UInt8], _ retryAfter: Int?, to channel: any Channel) {
    var fields: HTTPHeaders = ["content-type": "application/json", "content-length": String(bytes.count)]
    if let retryAfter { fields.add(name: "retry-after", value: String(retryAfter)) }
    let head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: fields)
    channel.write(HTTPServerResponsePart.head(head), promise: nil)
    channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
    channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
  }

  // MARK: What tests do

  /// The next request that matches meets this.
  package func fault(
    _ fault: APIFault, when matches: @escaping @Sendable (APIRequest) -> Bool = { _ in true }
  ) {
    self.state.withLock { $0.faults.append((matches, fault)) }
  }

  /// No answer to anybody from now on.
  package func takeDown() { self.state.withLock { Self.takeDown(&$0) } }

  private static func takeDown(_ state: inout State) {
    state.isDown = true
    for watcher in state.watchers { watcher.channel.close(promise: nil) }
    state.watchers = []
  }

  /// It answers again, and has forgotten nothing.
  package func restore() { self.state.withLock { $0.isDown = false } }

  package var requests: [APIRequest] { self.state.withLock { $0.requests } }

  package var watchCount: Int {
    self.state.withLock { state in
      state.watchers.removeAll { !$0.channel.isActive }
      return state.watchers.count
    }
  }

  /// Only these bearer tokens are known.
  package func accept(tokens: Set<String>) { self.state.withLock { $0.tokens = tokens } }

  /// The caller may do this and no more.
  package func permit(only permissions: Set<Permission>) {
    self.state.withLock { $0.permissions = permissions }
  }

  package func settings(_ change: (inout ClusterSettings) -> Void) {
    self.state.withLock { change(&$0.cluster.settings) }
  }

  package var now: Int64 { self.state.withLock { $0.cluster.now } }

  package func advance(by seconds: Int64) {
    self.change { cluster in
      cluster.now += seconds
      cluster.react()
    }
  }

  /// For a double that others take for a server: its time is told to it, and never goes back.
  package func advance(to second: Int64) {
    self.change { cluster in
      guard second > cluster.now else { return }
      cluster.now = second
      cluster.react()
    }
  }

  /// For as long as this process lives.
  package func followTheWallClock() {
    let tick: @Sendable () -> Void = {
      var moment = timespec()
      _ = unsafe clock_gettime(CLOCK_REALTIME, &moment)
      self.advance(to: Int64(moment.tv_sec))
    }
    tick()
    _ = self.listener.eventLoop.scheduleRepeatedTask(
      initialDelay: .milliseconds(200), delay: .milliseconds(200)
    ) { _ in tick() }
  }

  /// Cuts all watches in the middle.
  package func dropWatches() {
    self.state.withLock { state in
      for watcher in state.watchers { watcher.channel.close(promise: nil) }
      state.watchers = []
    }
  }

  /// Ends all watches in good order, as a server does every few minutes.
  package func endWatches() {
    self.state.withLock { state in
      for watcher in state.watchers { Self.finish(watcher.channel) }
      state.watchers = []
    }
  }

  /// Forgets all changes: who goes on from an earlier version gets 410.
  package func forgetHistory() {
    self.state.withLock { state in
      state.cluster.store.compact()
      state.sent = state.cluster.store.version
      state.oldestToken += 1
    }
  }

  package func sendBookmarks() {
    self.state.withLock { state in
      for watcher in state.watchers {
        let object = JSON.record([
          "kind": .string(watcher.resource.kind), "apiVersion": .string(watcher.resource.apiVersion),
          "metadata": .record(["resourceVersion": .string(String(state.cluster.store.version))]),
        ])
        Self.send("BOOKMARK", object, to: watcher.channel)
      }
    }
  }

  package func sendToWatches(_ bytes: [UInt8]) {
    self.state.withLock { state in
      for watcher in state.watchers { Self.send(bytes, to: watcher.channel) }
    }
  }

  package func objects(_ resource: Resource, in namespace: String = "user-workloads") -> [JSON] {
    self.state.withLock { $0.cluster.store.all(resource, in: namespace).map(\.object) }
  }

  package func object(_ resource: Resource, _ name: String, in namespace: String = "user-workloads") -> JSON?
  {
    self.objects(resource, in: namespace).first { $0.name == name }
  }

  /// As another client would.
  @discardableResult
  package func create(
    _ resource: Resource, _ object: JSON, in namespace: String = "user-workloads"
  ) throws(Refusal) -> JSON {
    try self.state.withLock { state throws(Refusal) in
      defer { Self.tell(&state) }
      return try state.cluster.create(resource, in: namespace, object)
    }
  }

  @discardableResult
  package func patch(
    _ resource: Resource, _ name: String, _ patch: JSON, in namespace: String = "user-workloads"
  ) throws(Refusal) -> JSON {
    try self.state.withLock { state throws(Refusal) in
      defer { Self.tell(&state) }
      return try state.cluster.patch(
        ObjectStore.Key(resource: resource, namespace: namespace, name: name), patch)
    }
  }

  package func delete(
    _ resource: Resource, _ name: String, in namespace: String = "user-workloads"
  ) throws(Refusal) {
    try self.state.withLock { state throws(Refusal) in
      defer { Self.tell(&state) }
      _ = try state.cluster.delete(
        ObjectStore.Key(resource: resource, namespace: namespace, name: name), options: .object([]))
    }
  }

  package func setStatus(
    _ resource: Resource, _ name: String, _ status: JSON, in namespace: String = "user-workloads"
  ) {
    self.change {
      $0.setStatus(status, of: ObjectStore.Key(resource: resource, namespace: namespace, name: name))
    }
  }

  /// All pods that wait for it begin to run.
  package func bootPods() {
    self.change { cluster in
      for (key, _) in cluster.store.all(.pods) { cluster.boot(pod: key) }
    }
  }

  /// The processes of pods being deleted end.
  package func finishPods() {
    self.change { cluster in
      for (key, pod) in cluster.store.all(.pods) where pod.isBeingDeleted { cluster.store.remove(key) }
      cluster.react()
    }
  }

  private func change(_ body: (inout ClusterState) -> Void) {
    self.state.withLock { state in
      body(&state.cluster)
      Self.tell(&state)
    }
  }
}
