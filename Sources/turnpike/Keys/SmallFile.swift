internal import Glibc
internal import Settings

/// A file that fits in memory: configuration, keys, secrets.
struct SmallFile {
  /// As many routes as the configuration may hold.
  static let maxBytes = 64 * 1024 * 1024

  var bytes: [UInt8]
  /// Who may do what with it; the low twelve bits of `st_mode`.
  var mode: mode_t

  /// Whether every user of this host can read it.
  static func isOpenToAll(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
  }

  static func read(_ path: String) throws(UnreadableFile) -> SmallFile {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw UnreadableFile(reason: SystemError.text(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw UnreadableFile(reason: SystemError.text(errno))
    }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw UnreadableFile(reason: "Is a directory") }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = unsafe Glibc.read(descriptor, &part, part.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw UnreadableFile(reason: SystemError.text(errno)) }
      if count == 0 { return SmallFile(bytes: bytes, mode: status.st_mode & 0o7777) }
      bytes += part[..<count]
      guard bytes.count <= self.maxBytes else { throw UnreadableFile(reason: "File too large") }
    }
  }
}

/// The system's words for an `errno`.
enum SystemError {
  static func text(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }
}
