internal import Octets
@testable internal import Transport

/// A gRPC body, and the texts and messages that come with it.
enum GRPCInput {
  private static let maxBytes = 1000

  static func read(_ bytes: [UInt8]) {
    if case .success(let message) = GRPCFraming.message(in: bytes, maxBytes: self.maxBytes) {
      precondition(message.count <= self.maxBytes, "a message longer than the limit")
      precondition(GRPCFraming.frame(Array(message)) == bytes, "a frame that is not the one that was sent")
    }
    if let timeout = GRPCFields.timeout(bytes[...]) {
      precondition(timeout >= .zero, "a time-out in the past")
    }
    _ = HealthMessages.service(in: bytes[...])
  }
}
