package import Octets

/// A whole answer. Lengths, `connection` and `transfer-encoding` belong to the transport; such fields are ignored.
package struct HTTPResponse: Sendable {
  package var status: UInt16
  /// Lower-case names. An answer with an invalid name or value goes out as 500 instead.
  package var fields: FieldList
  /// Not sent in answer to HEAD, and with 1xx, 204 and 304.
  package var body: [UInt8]
  /// Called exactly once, on the event loop; see ``Delivery``.
  package var onDelivery: (@Sendable (Delivery) -> Void)?
  /// Set by ``GRPCRouter`` only: the answer is framed as gRPC and ends with this status.
  var grpcStatus: GRPCStatus?

  package init(
    status: UInt16,
    fields: FieldList = FieldList(),
    body: [UInt8] = [],
    onDelivery: (@Sendable (Delivery) -> Void)? = nil
  ) {
    self.status = status
    self.fields = fields
    self.body = body
    self.onDelivery = onDelivery
  }
}

/// What became of an answer.
package enum Delivery: Sendable, Hashable {
  /// At least one byte of the answer was handed to the socket.
  case written
  /// Not one byte was: the stream or the connection was gone before.
  case lost
}

/// An answer that is there, or one that has to be waited for.
package enum Reply<Answer: Sendable>: Sendable {
  case now(Answer)
  /// Runs as a child of ``Listener/run()``. Nothing cancels it when the request ends or times out; its answer is
  /// then `lost`.
  case later(@Sendable () async -> Answer)
}
