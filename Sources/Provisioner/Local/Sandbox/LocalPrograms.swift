private import Glibc

/// The programs that a machine is made with.
package struct LocalPrograms: Hashable, Sendable {
  package var bubblewrap: String
  /// `workload-init` of this package.
  package var initProgram: String

  package init(bubblewrap: String, initProgram: String) {
    self.bubblewrap = bubblewrap
    self.initProgram = initProgram
  }

  /// Looks where packages put them; `workload-init` beside the running program first.
  ///
  /// - Parameter initProgram: the configured path, if one is.
  package init(lookingFor initProgram: String? = nil) {
    self.bubblewrap = "/usr/bin/bwrap"
    let own = Self.ownFolder()
    let places = [
      "\(own)/workload-init", "\(own)/../libexec/turnpike/workload-init",
      "\(own)/../lib/turnpike/workload-init", "/usr/lib/turnpike/workload-init",
    ]
    self.initProgram = initProgram ?? places.first(where: FileTree.isExecutable) ?? places[0]
  }

  static let slirp = "/usr/bin/slirp4netns"
  static let nsenter = "/usr/bin/nsenter"
  static let ip = "/usr/sbin/ip"

  /// What a way out of a machine needs and is not there; nil when all is.
  static var outboundLack: String? {
    if geteuid() != 0 { return "Outbound network needs a service that is root." }
    if !FileTree.isExecutable(self.slirp) {
      return "\(self.slirp) is missing: install the package slirp4netns."
    }
    if !FileTree.isExecutable(self.nsenter) || !FileTree.isExecutable(self.ip) {
      return "nsenter or ip is missing: install the packages util-linux and iproute2."
    }
    return nil
  }

  /// What is not there, with what to do about it; nil when all is.
  var lack: String? {
    if !FileTree.isExecutable(self.bubblewrap) {
      return "\(self.bubblewrap) is missing: install the package bubblewrap, 0.8 or newer."
    }
    if !FileTree.isExecutable(SandboxPaths.sshd) {
      return "\(SandboxPaths.sshd) is missing: install the package openssh-server."
    }
    if !FileTree.isExecutable(self.initProgram) {
      return "\(self.initProgram) is missing: install workload-init beside turnpike."
    }
    return nil
  }

  private static func ownFolder() -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" }
  }
}
