internal import Cashu
internal import Octets

/// NUT-18: the CBOR behind `creqA`.
enum PaymentRequestInput {
  static func read(_ bytes: [UInt8]) {
    _ = try? PaymentRequest(decoding: String(decoding: bytes, as: UTF8.self))
    guard let request = try? PaymentRequest(decoding: "creqA" + Base64.encodeURL(bytes)) else { return }
    guard let again = try? PaymentRequest(decoding: request.encoded()) else {
      preconditionFailure("its own encoding is refused")
    }
    precondition(again == request, "its own encoding is another request")
  }
}
