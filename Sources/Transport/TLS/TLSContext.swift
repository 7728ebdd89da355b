internal import COpenSSL

/// What all TLS connections of a listener share: certificate, key, rules.
@safe final class TLSContext: @unchecked Sendable {
  // Sendable: an SSL_CTX may be shared by threads once it is no longer changed
  // (https://docs.openssl.org/3.0/man7/openssl-threads), and nothing changes it after `init`.
  let handle: OpaquePointer

  init(_ configuration: TLSConfiguration) throws(TransportError) {
    ERR_clear_error()
    guard let context = unsafe SSL_CTX_new(TLS_server_method()) else { preconditionFailure("out of memory") }
    do throws(TransportError) {
      try unsafe Self.setRules(context)
      try unsafe Self.load(configuration, into: context)
    } catch {
      unsafe SSL_CTX_free(context)
      throw error
    }
    unsafe self.handle = context
  }

  deinit { unsafe SSL_CTX_free(self.handle) }

  /// TLS 1.2 with forward secrecy and AEAD only (RFC 9325 §4.2), TLS 1.3 as it is. No tickets and no cache: a resumed
  /// session would skip the look at the client's certificate.
  private static func setRules(_ context: OpaquePointer) throws(TransportError) {
    let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK"
    let lowest = Int(TLS1_2_VERSION)
    guard
      unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, lowest, nil) == 1,
      unsafe SSL_CTX_set_cipher_list(context, ciphers) == 1,
      unsafe SSL_CTX_set_num_tickets(context, 0) == 1
    else { throw .tls("OpenSSL refuses our rules: \(Self.lastError())") }
    // SSL_OP_NO_TICKET, _NO_COMPRESSION, _CIPHER_SERVER_PREFERENCE, _NO_RENEGOTIATION: macros that Swift cannot read.
    let bits: [UInt64] = [14, 17, 22, 30]
    unsafe SSL_CTX_set_options(context, bits.reduce(0) { $0 | 1 << $1 })
    unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    unsafe SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
    unsafe SSL_CTX_set_alpn_select_cb(context, Self.selectProtocol, nil)
  }

  private static func load(_ files: TLSConfiguration, into context: OpaquePointer) throws(TransportError) {
    guard unsafe SSL_CTX_use_certificate_chain_file(context, files.certificateFile) == 1 else {
      throw .tls("cannot use the certificate in \(files.certificateFile): \(Self.lastError())")
    }
    guard
      unsafe SSL_CTX_use_PrivateKey_file(context, files.keyFile, SSL_FILETYPE_PEM) == 1,
      unsafe SSL_CTX_check_private_key(context) == 1
    else { throw .tls("cannot use the key in \(files.keyFile): \(Self.lastError())") }
    guard let authority = files.clientAuthorityFile else { return }
    guard
      unsafe SSL_CTX_load_verify_file(context, authority) == 1,
      let names = unsafe SSL_load_client_CA_file(authority)
    else { throw .tls("cannot use the client CA in \(authority): \(Self.lastError())") }
    unsafe SSL_CTX_set_client_CA_list(context, names)
    unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
  }

  /// Our order of preference; a client that offers neither goes on without ALPN.
  private static let selectProtocol:
    @convention(c) (
      OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
      UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
    ) -> Int32 = { _, out, outLength, offered, offeredLength, _ in
      let ours: StaticString = "\u{2}h2\u{8}http/1.1"
      var chosen: UnsafeMutablePointer<UInt8>?
      let result = unsafe SSL_select_next_proto(
        &chosen, outLength, ours.utf8Start, UInt32(ours.utf8CodeUnitCount), offered, offeredLength)
      guard result == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
      unsafe out?.pointee = UnsafePointer(chosen)
      return SSL_TLSEXT_ERR_OK
    }

  /// OpenSSL's own words for what went wrong on this thread; never key material.
  static func lastError() -> String {
    let code = ERR_get_error()
    guard code != 0 else { return "no reason given" }
    var text = [CChar](repeating: 0, count: 256)
    unsafe ERR_error_string_n(code, &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
