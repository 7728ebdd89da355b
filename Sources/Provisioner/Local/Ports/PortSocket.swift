private import Glibc

/// A listening socket on one of the ports that are sold. It *is* the lock on its port: nobody else, of this
/// process or another, has a port that it is bound to, and PID 1 of a machine keeps it when the service is
/// gone.
struct PortSocket {
  let port: UInt16
  let descriptor: Descriptor

  /// Nil when the port is taken.
  ///
  /// - Parameter address: numeric; `::` takes IPv4 too.
  static func bind(_ port: UInt16, on address: String) throws(SystemFault) -> PortSocket? {
    let isSix = address.contains(":")
    let raw = socket(isSix ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard raw >= 0 else { throw SystemFault("socket") }
    let socket = Descriptor(raw)
    // Past connections may linger on the port of a machine that is gone; a listener on it is refused all the
    // same.
    Self.set(SOL_SOCKET, SO_REUSEADDR, to: 1, of: socket)
    if isSix { Self.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, to: 0, of: socket) }

    // Two sockets may be bound until one of them listens, so only both calls together take the port.
    let isBound = isSix ? try self.bindSix(socket, port, address) : try self.bindFour(socket, port, address)
    guard isBound, listen(raw, 64) == 0 else {
      if errno == EADDRINUSE { return nil }
      throw SystemFault("bind", "\(address) port \(port)")
    }
    return PortSocket(port: port == 0 ? self.port(of: socket) : port, descriptor: socket)
  }

  /// To this host, over IPv4.
  static func connect(_ port: UInt16) throws(SystemFault) -> Descriptor {
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard raw >= 0 else { throw SystemFault("socket") }
    let socket = Descriptor(raw)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    guard unsafe Self.pass(address, { unsafe Glibc.connect(raw, $0, $1) }) == 0 else {
      throw SystemFault("connect", "port \(port)")
    }
    return socket
  }

  /// Of an IPv4 socket: what the kernel chose for it.
  private static func port(of socket: Descriptor) -> UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(socket.raw, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  private static func set(_ level: CInt, _ option: CInt, to value: CInt, of socket: Descriptor) {
    var value = value
    _ = unsafe setsockopt(socket.raw, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
  }

  private static func bindFour(_ socket: Descriptor, _ port: UInt16, _ text: String) throws(SystemFault)
    -> Bool
  {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard unsafe inet_pton(AF_INET, text, &address.sin_addr) == 1 else {
      throw SystemFault(code: EINVAL, "bind", text)
    }
    return unsafe Self.pass(address) { unsafe Glibc.bind(socket.raw, $0, $1) } == 0
  }

  private static func bindSix(_ socket: Descriptor, _ port: UInt16, _ text: String) throws(SystemFault)
    -> Bool
  {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    guard unsafe inet_pton(AF_INET6, text, &address.sin6_addr) == 1 else {
      throw SystemFault(code: EINVAL, "bind", text)
    }
    return unsafe Self.pass(address) { unsafe Glibc.bind(socket.raw, $0, $1) } == 0
  }

  /// An address of either family, as the system's calls take it.
  private static func pass<Address>(
    _ address: Address, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }
}
