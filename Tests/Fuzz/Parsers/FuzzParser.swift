/// One reader of outside bytes, with what must hold whatever it is given: it may refuse, it may not trap, and what it
/// accepted means the same when it is read again. A broken promise is a `precondition`, so libFuzzer and the replay
/// both see it.
package enum FuzzParser: String, CaseIterable, Sendable {
  case http1
  case http2
  case grpc
  case checkRequest = "check-request"
  case token
  case tokenCBOR = "token-cbor"
  case tokenJSON = "token-json"
  case paymentRequest = "payment-request"
  case x402Payload = "x402-payload"
  case pass
  case path
  case host
  case workloadGrant = "workload-grant"
  case podName = "pod-name"
  case authorizedKey = "authorized-key"
  case username

  package func read(_ bytes: [UInt8]) {
    switch self {
    case .http1: HTTP1Input.read(bytes)
    case .http2: HTTP2Input.read(bytes)
    case .grpc: GRPCInput.read(bytes)
    case .checkRequest: CheckRequestInput.read(bytes)
    case .token: TokenInput.readText(bytes)
    case .tokenCBOR: TokenInput.readCBOR(bytes)
    case .tokenJSON: TokenInput.readJSON(bytes)
    case .paymentRequest: PaymentRequestInput.read(bytes)
    case .x402Payload: X402PayloadInput.read(bytes)
    case .pass: PassInput.read(bytes)
    case .path: PlaceInput.readPath(bytes)
    case .host: PlaceInput.readHost(bytes)
    case .workloadGrant: WorkloadGrantInput.read(bytes)
    case .podName: WorkloadWishInput.readPodName(bytes)
    case .authorizedKey: WorkloadWishInput.readAuthorizedKey(bytes)
    case .username: WorkloadWishInput.readUsername(bytes)
    }
  }

  /// A pass that ``pass`` accepts.
  package static var signedPass: [UInt8] { PassInput.seed() }
  /// A grant that ``workloadGrant`` accepts.
  package static var signedGrant: [UInt8] { WorkloadGrantInput.seed() }
}
