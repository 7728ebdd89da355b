/// What answers the requests of a listener. Both calls happen on the connection's event loop and must not block.
package protocol HTTPService: Sendable {
  /// Called with the head (the body is still empty).
  func intake(for request: HTTPRequest) -> Intake

  /// Called with the whole body, when `intake` said `whole`.
  func respond(to request: HTTPRequest) -> Reply<HTTPResponse>
}

/// How a service wants a request's body.
package enum Intake: Sendable {
  /// In one piece; a longer one is answered with 413 (gRPC: `RESOURCE_EXHAUSTED`).
  case whole(maxBytes: Int)
  /// In parts with back-pressure, both ways. Runs as a child of ``Listener/run()``.
  case stream(@Sendable (HTTPStream) async -> Void)
}
