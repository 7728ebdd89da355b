import COpenSSL

/// A client's TLS session over memory BIOs.
@safe final class TLSClient {
  private let context: OpaquePointer
  private let handle: OpaquePointer
  private let fromServer: OpaquePointer
  private let toServer: OpaquePointer
  private(set) var received: [UInt8] = []
  private(set) var isEstablished = false
  private(set) var hasFailed = false

  /// - Parameter protocols: ALPN names in order of preference.
  init(
    _ files: Certificates, certificate: String? = nil, protocols: [String] = [],
    maxVersion: Int32 = TLS1_3_VERSION
  ) {
    unsafe self.context = SSL_CTX_new(TLS_client_method())!
    unsafe SSL_CTX_load_verify_file(self.context, files.path("ca.pem"))
    unsafe SSL_CTX_set_verify(self.context, SSL_VERIFY_PEER, nil)
    unsafe SSL_CTX_ctrl(self.context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(maxVersion), nil)
    if let certificate {
      unsafe SSL_CTX_use_certificate_chain_file(self.context, files.path("\(certificate).pem"))
      unsafe SSL_CTX_use_PrivateKey_file(self.context, files.path("\(certificate).key"), SSL_FILETYPE_PEM)
    }
    unsafe self.handle = SSL_new(self.context)!
    unsafe self.fromServer = BIO_new(BIO_s_mem())!
    unsafe self.toServer = BIO_new(BIO_s_mem())!
    unsafe SSL_set_bio(self.handle, self.fromServer, self.toServer)
    unsafe SSL_set_connect_state(self.handle)
    unsafe SSL_set1_host(self.handle, "localhost")
    let offered = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    if !offered.isEmpty { unsafe SSL_set_alpn_protos(self.handle, offered, UInt32(offered.count)) }
    self.advance()
  }

  deinit {
    unsafe SSL_free(self.handle)
    unsafe SSL_CTX_free(self.context)
  }

  var chosenProtocol: String {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(self.handle, &name, &count)
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
  }

  var version: Int32 { unsafe SSL_version(self.handle) }

  func receive(_ bytes: [UInt8]) {
    if !bytes.isEmpty { unsafe BIO_write(self.fromServer, bytes, Int32(bytes.count)) }
    self.advance()
  }

  func send(_ plain: [UInt8]) {
    if !plain.isEmpty { unsafe SSL_write(self.handle, plain, Int32(plain.count)) }
  }

  /// Asks for a renegotiation; false when the server's side of the protocol does not even offer it.
  func renegotiate() -> Bool {
    guard unsafe SSL_renegotiate(self.handle) == 1 else { return false }
    unsafe SSL_do_handshake(self.handle)
    return true
  }

  func output() -> [UInt8] {
    let pending = unsafe BIO_ctrl_pending(self.toServer)
    guard pending > 0 else { return [] }
    var out = [UInt8](repeating: 0, count: pending)
    unsafe BIO_read(self.toServer, &out, Int32(pending))
    return out
  }

  private func advance() {
    ERR_clear_error()
    if !self.isEstablished {
      let result = unsafe SSL_do_handshake(self.handle)
      self.isEstablished = result == 1
      if result != 1, unsafe SSL_get_error(self.handle, result) != SSL_ERROR_WANT_READ {
        self.hasFailed = true
      }
    }
    var room = [UInt8](repeating: 0, count: 16 * 1024)
    while self.isEstablished {
      let count = unsafe SSL_read(self.handle, &room, Int32(room.count))
      if count > 0 {
        self.received += room.prefix(Int(count))
        continue
      }
      if unsafe SSL_get_error(self.handle, count) == SSL_ERROR_SSL { self.hasFailed = true }
      return
    }
  }
}
