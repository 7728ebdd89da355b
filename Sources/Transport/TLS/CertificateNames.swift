internal import COpenSSL

/// Reads the names out of a client's certificate.
enum CertificateNames {
  /// Common name, DNS and URI names of the certificate that OpenSSL verified; none without one.
  static func verified(_ session: OpaquePointer) -> [String] {
    guard let certificate = unsafe SSL_get1_peer_certificate(session) else { return [] }
    defer { unsafe X509_free(certificate) }
    guard unsafe SSL_get_verify_result(session) == Int(X509_V_OK) else { return [] }
    var names = unsafe self.commonNames(certificate)
    for name in unsafe self.alternativeNames(certificate) where !names.contains(name) { names.append(name) }
    return names
  }

  private static func commonNames(_ certificate: OpaquePointer) -> [String] {
    guard let subject = unsafe X509_get_subject_name(certificate) else { return [] }
    var names: [String] = []
    var index: Int32 = -1
    while true {
      index = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, index)
      guard index >= 0 else { return names }
      let entry = unsafe X509_NAME_get_entry(subject, index)
      if let text = unsafe self.text(X509_NAME_ENTRY_get_data(entry)) { names.append(text) }
    }
  }

  private static func alternativeNames(_ certificate: OpaquePointer) -> [String] {
    guard let list = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
    let stack = OpaquePointer(list)
    defer { unsafe GENERAL_NAMES_free(stack) }
    var names: [String] = []
    for index in 0..<max(0, unsafe OPENSSL_sk_num(stack)) {
      guard let element = unsafe OPENSSL_sk_value(stack, index) else { continue }
      let name = unsafe element.assumingMemoryBound(to: GENERAL_NAME.self)
      guard unsafe name.pointee.type == GEN_DNS || name.pointee.type == GEN_URI else { continue }
      if let text = unsafe self.text(name.pointee.d.ia5) { names.append(text) }
    }
    return names
  }

  /// As UTF-8; a name with a NUL is no name (CVE-2009-2408).
  private static func text(_ string: UnsafePointer<ASN1_STRING>?) -> String? {
    guard let string = unsafe string else { return nil }
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = unsafe ASN1_STRING_to_UTF8(&bytes, string)
    guard count > 0, let bytes = unsafe bytes else { return nil }
    defer { unsafe CRYPTO_free(bytes, #file, #line) }
    let text = unsafe UnsafeBufferPointer(start: bytes, count: Int(count))
    guard unsafe !text.contains(0) else { return nil }
    return unsafe String(validating: text, as: UTF8.self)
  }
}
