internal import Gate
private import Glibc
internal import Octets

/// Says that this process lives: a file named for it, locked as long as it runs.
///
/// The kernel drops the lock when a process ends, however it ends, so whoever gets it has proof of death
/// (flock(2)).
/// The directory must be on this host's disk, as the SQLite file must be.
final class OwnerLock: Sendable {
  let owner: Owner
  private let directory: String
  private let file: Int32

  /// Makes the directory (0700) and the locked file (0600), and sweeps out files of the dead.
  init(in directory: String) throws(Outage) {
    self.directory = directory
    guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw Outage(.outage, "The store's directory of owners cannot be made: errno \(errno).")
    }
    (self.owner, self.file) = try Self.lockNewFile(in: directory)
    self.sweep()
  }

  deinit {
    unsafe unlink(Self.path(of: self.owner, in: self.directory))
    close(self.file)
  }

  /// A file is seen by others before it is locked, and may be swept out in between; then another is made.
  private static func lockNewFile(in directory: String) throws(Outage) -> (Owner, Int32) {
    for _ in 0..<16 {
      let owner = Owner(Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }))
      let path = Self.path(of: owner, in: directory)
      let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard file >= 0 else { break }
      var (mine, named) = (stat(), stat())
      let isLocked = flock(file, LOCK_EX | LOCK_NB) == 0
      if isLocked, unsafe fstat(file, &mine) == 0, unsafe stat(path, &named) == 0, mine.st_ino == named.st_ino
      {
        return (owner, file)
      }
      close(file)
    }
    throw Outage(.outage, "The store's owner file cannot be made and locked: errno \(errno).")
  }

  /// Dead only when proven; anything unclear is alive, and its lease will end.
  func liveness(of other: Owner) -> OwnerLiveness {
    guard other != self.owner else { return .alive }
    // A name that we never make is nobody's, and no path to follow.
    guard other.text.utf8.count == 32, Hex.decode(other.text) != nil else { return .dead }
    let path = Self.path(of: other, in: self.directory)
    let file = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return errno == ENOENT ? .dead : .alive }
    defer { close(file) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return .alive }
    unsafe unlink(path)
    return .dead
  }

  private func sweep() {
    guard let stream = unsafe opendir(self.directory) else { return }
    defer { unsafe closedir(stream) }
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.utf8.count == 32 else { continue }
      _ = self.liveness(of: Owner(name))
    }
  }

  private static func path(of owner: Owner, in directory: String) -> String { directory + "/" + owner.text }
}
