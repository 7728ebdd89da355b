internal import Gate
internal import Octets

/// What of a request the form of its answer depends on.
struct Audience: Sendable {
  /// A gRPC client gets its challenge in headers: Envoy turns a body into `grpc-message`.
  enum Client { case plain, grpc }

  enum Body { case wanted, unwanted }

  enum Link { case plain, secure }

  var client = Client.plain
  var body = Body.wanted
  /// How the client reached the proxy: a cookie over `https` is `Secure`.
  var link = Link.plain
  /// For CORS.
  var origin: [UInt8]?

  init() {}

  init(_ request: AccessRequest, link: Link) {
    self.link = link
    if request.method == .head { self.body = .unwanted }
    if case .once(let type) = request.fields.only("content-type"),
      type.startsIgnoringCase(with: "application/grpc")
    {
      self.client = .grpc
    }
    if case .once(let origin) = request.fields.only("origin") { self.origin = Array(origin) }
  }
}
