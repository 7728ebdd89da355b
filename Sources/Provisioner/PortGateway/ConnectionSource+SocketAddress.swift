private import Glibc
internal import NIOCore

extension ConnectionSource {
  init(of address: SocketAddress?) {
    guard let text = address?.ipAddress else {
      self.prefix = []
      return
    }
    var bytes = [UInt8](repeating: 0, count: 16)
    guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else {
      _ = unsafe inet_pton(AF_INET, text, &bytes)
      self.prefix = Array(bytes.prefix(4))
      return
    }
    // RFC 4291 §2.5.5.2: an IPv4 client of a socket for both.
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    self.prefix = bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : Array(bytes.prefix(8))
  }
}
