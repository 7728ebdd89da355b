internal import Octets

extension HMACKey: MessageAuthenticator {
  package func code(for message: Span<UInt8>) -> [UInt8] {
    let code = self.authenticate(message)
    return code.indices.map { code[$0] }
  }

  package func isAuthentic(_ message: Span<UInt8>, code: Span<UInt8>) -> Bool {
    self.verify(message: message, authenticator: code)
  }
}
