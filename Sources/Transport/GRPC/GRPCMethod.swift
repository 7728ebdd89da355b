package import Octets

/// The one request message of a call, with what came around it.
package struct GRPCMessage: Sendable {
  /// The message without its five bytes of framing; shares the memory of the request's body.
  package var bytes: ArraySlice<UInt8>
  /// From `grpc-timeout`.
  package var deadline: ContinuousClock.Instant?
  package var peer: Peer
  package var metadata: FieldList

  package init(bytes: ArraySlice<UInt8>, deadline: ContinuousClock.Instant?, peer: Peer, metadata: FieldList)
  {
    self.bytes = bytes
    self.deadline = deadline
    self.peer = peer
    self.metadata = metadata
  }
}

/// The answer of a unary call: a message with status `OK`, or a status alone.
package enum GRPCAnswer: Sendable {
  case message([UInt8], onDelivery: (@Sendable (Delivery) -> Void)? = nil)
  case status(GRPCStatus)
}

/// How a method is served.
package enum GRPCMethod: Sendable {
  /// Called on the event loop; must not block.
  case unary(@Sendable (GRPCMessage) -> Reply<GRPCAnswer>)
  /// Runs as a child of ``Listener/run()``; its result ends the call.
  case serverStream(@Sendable (GRPCMessage, GRPCWriter) async -> GRPCStatus)
}
