internal import COpenSSL

/// Bytes from OpenSSL's generator, good for keys and identifiers.
package enum RandomBytes {
  package static func make(count: Int) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: count)
    let done = unsafe RAND_bytes(&out, Int32(count))
    // Without entropy nothing this process makes could be trusted.
    precondition(done == 1, "the random generator failed")
    return out
  }
}
