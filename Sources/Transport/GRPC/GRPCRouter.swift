internal import Octets

/// Serves gRPC methods by their full names, e.g. `/grpc.health.v1.Health/Check`.
package struct GRPCRouter: HTTPService {
  private struct Route: Sendable {
    var path: [UInt8]
    var method: GRPCMethod
  }

  /// gRPC's own default for a received message.
  package static let defaultMaxMessageBytes = 4 * 1024 * 1024

  /// A handful of methods: comparing lengths and bytes costs less than hashing a path.
  private let routes: [Route]
  private let maxMessageBytes: Int

  package init(methods: [String: GRPCMethod], maxMessageBytes: Int = GRPCRouter.defaultMaxMessageBytes) {
    self.routes = methods.map { Route(path: Array($0.key.utf8), method: $0.value) }
    self.maxMessageBytes = maxMessageBytes
  }

  package func intake(for request: HTTPRequest) -> Intake {
    guard
      let method = self.method(at: request.target), case .serverStream(let handler) = method,
      self.refusal(of: request) == nil
    else { return .whole(maxBytes: GRPCFraming.prefixBytes + self.maxMessageBytes) }
    let head = GRPCMessage(
      bytes: [], deadline: request.deadline, peer: request.peer, metadata: request.fields)
    let maxMessageBytes = self.maxMessageBytes
    return .stream { stream in
      let writer = GRPCWriter(stream: stream)
      do throws(HTTPStreamError) {
        let body = try await stream.collect(max: GRPCFraming.prefixBytes + maxMessageBytes)
        switch GRPCFraming.message(in: body, maxBytes: maxMessageBytes) {
        case .failure(let error): writer.finish(error.status)
        case .success(let bytes):
          var message = head
          message.bytes = bytes
          writer.finish(await handler(message, writer))
        }
      } catch .tooLong {
        writer.finish(GRPCFramingError.tooLong.status)
      } catch {
        // The caller is gone; there is nobody to tell.
      }
    }
  }

  package func respond(to request: HTTPRequest) -> Reply<HTTPResponse> {
    if let refusal = self.refusal(of: request) { return .now(refusal) }
    guard let method = self.method(at: request.target), case .unary(let handler) = method else {
      return .now(HTTPResponse(grpc: GRPCStatus(.unimplemented, "unknown method")))
    }
    switch GRPCFraming.message(in: request.body, maxBytes: self.maxMessageBytes) {
    case .failure(let error):
      return .now(HTTPResponse(grpc: error.status))
    case .success(let bytes):
      let message = GRPCMessage(
        bytes: bytes, deadline: request.deadline, peer: request.peer, metadata: request.fields)
      switch handler(message) {
      case .now(let answer): return .now(HTTPResponse(grpc: answer))
      case .later(let work): return .later { HTTPResponse(grpc: await work()) }
      }
    }
  }

  private func method(at path: [UInt8]) -> GRPCMethod? {
    for route in self.routes where route.path == path { return route.method }
    return nil
  }

  /// What is wrong before the method is looked at.
  private func refusal(of request: HTTPRequest) -> HTTPResponse? {
    let traits = request.traits
    guard traits.contains(.isGRPC) else { return HTTPResponse(status: 415) }
    guard request.version == .http2 else { return HTTPResponse(status: 505) }
    guard request.method.matches("POST") else { return HTTPResponse(status: 405) }
    if traits.contains(.hasGRPCEncoding) {
      guard case .once(let encoding) = request.fields.only("grpc-encoding"), encoding.matches("identity")
      else {
        return HTTPResponse(grpc: GRPCFramingError.compressed.status)
      }
    }
    if traits.contains(.hasGRPCTimeout), request.deadline == nil {
      return HTTPResponse(grpc: GRPCStatus(.internal, "invalid grpc-timeout"))
    }
    return nil
  }
}

extension HTTPResponse {
  init(grpc status: GRPCStatus) {
    self.init(status: 200)
    self.grpcStatus = status
  }

  init(grpc answer: GRPCAnswer) {
    switch answer {
    case .message(let message, let onDelivery):
      self.init(status: 200, body: message, onDelivery: onDelivery)
      self.grpcStatus = .ok
    case .status(let status):
      self.init(grpc: status)
    }
  }
}
