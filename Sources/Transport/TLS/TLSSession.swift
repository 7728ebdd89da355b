internal import COpenSSL
internal import NIOCore

/// One TLS connection as a pure engine over two memory BIOs: bytes of the network in and out on one side, plain bytes
/// on the other. Confined to the connection's event loop.
@safe final class TLSSession {
  enum State: Equatable {
    case handshaking
    case established
    /// The peer said goodbye (close_notify).
    case closed
    case failed
  }

  /// The largest plaintext of one TLS record (RFC 8446 §5.1).
  private static let recordBytes = 16 * 1024

  /// OpenSSL's connection; it owns both BIOs.
  private let handle: OpaquePointer
  private let fromPeer: OpaquePointer
  private let toPeer: OpaquePointer
  private(set) var state = State.handshaking

  init(_ context: TLSContext) {
    guard
      let handle = unsafe SSL_new(context.handle),
      let fromPeer = unsafe BIO_new(BIO_s_mem()),
      let toPeer = unsafe BIO_new(BIO_s_mem())
    else { preconditionFailure("out of memory") }
    unsafe SSL_set_bio(handle, fromPeer, toPeer)
    unsafe SSL_set_accept_state(handle)
    unsafe self.handle = handle
    unsafe self.fromPeer = fromPeer
    unsafe self.toPeer = toPeer
  }

  deinit { unsafe SSL_free(self.handle) }

  /// Takes bytes from the network and appends what they carry to `plain`.
  func receive(_ bytes: UnsafeRawBufferPointer, plain: inout ByteBuffer) {
    guard self.state != .failed, let start = bytes.baseAddress else { return }
    ERR_clear_error()
    // A memory BIO takes everything.
    unsafe BIO_write(self.fromPeer, start, Int32(bytes.count))
    if self.state == .handshaking { self.handshake() }
    while self.state == .established, self.read(into: &plain) {}
  }

  private func handshake() {
    let result = unsafe SSL_do_handshake(self.handle)
    if result == 1 {
      self.state = .established
    } else if unsafe SSL_get_error(self.handle, result) != SSL_ERROR_WANT_READ {
      self.state = .failed
    }
  }

  private func read(into plain: inout ByteBuffer) -> Bool {
    var count: Int32 = 0
    unsafe plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordBytes) { room in
      count = unsafe SSL_read(self.handle, room.baseAddress, Int32(Self.recordBytes))
      return max(0, Int(count))
    }
    if count > 0 { return true }
    switch unsafe SSL_get_error(self.handle, count) {
    case SSL_ERROR_WANT_READ: break
    case SSL_ERROR_ZERO_RETURN: self.state = .closed
    default: self.state = .failed
    }
    return false
  }

  /// Encrypts; the bytes for the network are in ``takeOutput(into:)``. False when the connection is of no more use.
  func send(_ plain: ByteBuffer) -> Bool {
    guard self.state == .established || self.state == .closed else { return false }
    ERR_clear_error()
    return unsafe plain.withUnsafeReadableBytes { bytes in
      guard let start = bytes.baseAddress, unsafe !bytes.isEmpty else { return true }
      // All or nothing: partial writes are off, and a memory BIO takes everything.
      if unsafe SSL_write(self.handle, start, Int32(bytes.count)) > 0 { return true }
      self.state = .failed
      return false
    }
  }

  /// Says goodbye.
  func close() {
    guard self.state == .established || self.state == .closed else { return }
    ERR_clear_error()
    unsafe SSL_shutdown(self.handle)
  }

  func takeOutput(into out: inout ByteBuffer) {
    let pending = unsafe BIO_ctrl_pending(self.toPeer)
    guard pending > 0 else { return }
    unsafe out.writeWithUnsafeMutableBytes(minimumWritableBytes: pending) { room in
      max(0, Int(unsafe BIO_read(self.toPeer, room.baseAddress, Int32(clamping: pending))))
    }
  }

  /// What ALPN chose; nil when the client did not use it.
  var applicationProtocol: ALPNProtocol? {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(self.handle, &name, &count)
    let chosen = unsafe UnsafeBufferPointer(start: name, count: Int(count))
    if unsafe chosen.elementsEqual("h2".utf8) { return .http2 }
    return chosen.isEmpty ? nil : .http1
  }

  /// The verified client's names.
  var peer: TLSPeer { TLSPeer(names: unsafe CertificateNames.verified(self.handle)) }
}
