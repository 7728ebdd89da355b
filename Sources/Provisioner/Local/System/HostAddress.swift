internal import Glibc

/// The addresses of this host's own interfaces.
enum HostAddress {
  /// IPv4, as text; without 127.0.0.0/8, which every network has for itself.
  static func all() throws(SystemFault) -> [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&first) == 0 else { throw SystemFault("getifaddrs") }
    defer { unsafe freeifaddrs(first) }
    var found: [String] = []
    var next = unsafe first
    while let entry = unsafe next {
      unsafe next = entry.pointee.ifa_next
      guard let address = unsafe entry.pointee.ifa_addr, unsafe Int32(address.pointee.sa_family) == AF_INET
      else { continue }
      let number = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        unsafe UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
      }
      let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
      if bytes[0] != 127 { found.append(bytes.map(String.init).joined(separator: ".")) }
    }
    return found
  }
}
