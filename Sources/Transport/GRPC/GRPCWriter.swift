internal import Octets

/// Sends the messages of a server-streaming call; used by one task.
package struct GRPCWriter: Sendable {
  private let stream: HTTPStream

  init(stream: HTTPStream) { self.stream = stream }

  /// Sends one message; returns when there is room for another. Throws when the caller is gone.
  package func write(_ message: [UInt8]) async throws(HTTPStreamError) {
    if !self.stream.hasBegun { try self.stream.respond(status: 200, fields: GRPCFields.response) }
    try await self.stream.write(GRPCFraming.frame(message))
  }

  /// Ends the call; a call without a message becomes a trailers-only answer.
  func finish(_ status: GRPCStatus) {
    if !self.stream.hasBegun {
      var head = HTTPResponse(status: 200, fields: GRPCFields.response)
      GRPCFields.append(status, to: &head.fields)
      self.stream.answer(head)
    } else {
      var trailers = FieldList()
      GRPCFields.append(status, to: &trailers)
      self.stream.finish(trailers: trailers)
    }
  }
}
