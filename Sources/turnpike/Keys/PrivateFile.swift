internal import Digest
internal import Glibc
internal import Octets

/// A secret's file as it is made: whole or not at all, once, readable by its owner alone.
enum PrivateFile {
  enum Outcome {
    case made
    /// Another process was faster; its file counts.
    case existed
  }

  struct Failure: Error {
    var reason: String
  }

  /// Writes a file of another name first and links it: a crash leaves no half secret, and of two processes that start
  /// at the same time one makes the file and both use it.
  static func make(_ path: String, in directory: String, bytes: [UInt8]) throws(Failure) -> Outcome {
    let draft = "\(directory)/.new-\(Hex.encode(RandomBytes.make(count: 8)))"
    let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(reason: SystemError.text(errno)) }
    defer { unsafe unlink(draft) }
    let written = self.write(bytes, to: descriptor) && fsync(descriptor) == 0
    let code = errno
    close(descriptor)
    guard written else { throw Failure(reason: SystemError.text(code)) }
    guard unsafe link(draft, path) == 0 else {
      if errno == EEXIST { return .existed }
      throw Failure(reason: SystemError.text(errno))
    }
    self.sync(directory)
    return .made
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// The name is as durable as the file only when the directory is on disk too.
  private static func sync(_ directory: String) {
    let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
