internal import Cashu
internal import Digest
internal import Gate
internal import Glibc
internal import Octets
internal import Provisioner
internal import Settings
internal import Store

/// The directory named by `keys:`, with the pass keys, the treasury seed and the keys that ecash is locked to. Made on first start: the directory 0700,
/// each file 0600. Whoever reads it can mint passes and spend what was earned.
struct KeysDirectory {
  /// What a process works with.
  struct Opened {
    var passKeys: PassKeys
    var seed: TreasurySeed
    /// The newest first.
    var locks: LockKeys
    var fingerprints: KeyFingerprints
  }

  let path: String

  /// Whether there must be a key that ecash is locked to.
  enum Locking { case ifPresent, needed }

  /// Reads the files, and makes what is absent. Blocks; for the start.
  func open(locking: Locking = .ifPresent) throws(KeysFault) -> Opened {
    try self.prepare()
    let keys = try PassKeyFile(text: self.text(of: KeyFileName.passKeys) { PassKeyFile.fresh() })
    let seed = try SeedFile.seed(in: self.text(of: KeyFileName.treasurySeed) { SeedFile.fresh() })
    let locks = try self.locks(locking)
    return Opened(
      passKeys: keys.passKeys, seed: seed, locks: LockKeys(locks.map(\.key)),
      fingerprints: KeyFingerprints(
        treasurySeed: seed.fingerprint, passKeys: keys.fingerprints,
        lockKeys: Dictionary(locks.map { ($0.number, $0.key.fingerprint) }) { first, _ in first }))
  }

  /// What the host keys of pods follow from; made where there is none. Blocks; for the start.
  func machineSecret() throws(KeysFault) -> HostKeySecret {
    try MachineSecretFile.secret(in: self.text(of: KeyFileName.machineSecret) { MachineSecretFile.fresh() })
  }

  /// By number, the newest first.
  private func locks(_ locking: Locking) throws(KeysFault) -> [(number: UInt32, key: LockKey)] {
    var numbers = try self.lockNumbers()
    if numbers.isEmpty, locking == .needed { numbers = [1] }
    guard numbers.count <= LockKeyFile.maxKeys else {
      throw KeysFault(self.path, "holds more than \(LockKeyFile.maxKeys) lock keys")
    }
    var locks: [(number: UInt32, key: LockKey)] = []
    for number in numbers.sorted(by: >) {
      let name = LockKeyFile.name(of: number)
      locks.append((number, try LockKeyFile.key(in: self.text(of: name) { LockKeyFile.fresh() }, name)))
    }
    return locks
  }

  private func lockNumbers() throws(KeysFault) -> [UInt32] {
    guard let directory = unsafe opendir(self.path) else {
      throw KeysFault(self.path, "cannot be read: \(SystemError.text(errno))")
    }
    defer { unsafe closedir(directory) }
    var numbers: [UInt32] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let number = LockKeyFile.number(of: name) { numbers.append(number) }
    }
    return numbers
  }

  private func prepare() throws(KeysFault) {
    if unsafe mkdir(self.path, 0o700) == 0 { return }
    guard errno == EEXIST else { throw KeysFault(self.path, "cannot be made: \(SystemError.text(errno))") }
    var status = stat()
    guard unsafe stat(self.path, &status) == 0 else {
      throw KeysFault(self.path, "cannot be read: \(SystemError.text(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw KeysFault(self.path, "is no directory") }
    guard status.st_mode & 0o022 == 0 else {
      throw KeysFault(self.path, "can be changed by others than its owner; `chmod 700` it")
    }
  }

  /// The file's text; `fresh` when there is none.
  private func text(of name: String, fresh: () -> String) throws(KeysFault) -> String {
    let file = "\(self.path)/\(name)"
    if unsafe access(file, F_OK) != 0, errno == ENOENT {
      do throws(PrivateFile.Failure) {
        _ = try PrivateFile.make(file, in: self.path, bytes: Array(fresh().utf8))
      } catch {
        throw KeysFault(file, "cannot be made: \(error.reason)")
      }
    }
    let contents: SmallFile
    do throws(UnreadableFile) {
      contents = try SmallFile.read(file)
    } catch {
      throw KeysFault(file, "cannot be read: \(error.reason)")
    }
    guard contents.mode & 0o077 == 0 else {
      throw KeysFault(
        file, "can be read by others than its owner; `chmod 600` it, and if they did, replace it")
    }
    guard let text = String(validating: contents.bytes, as: UTF8.self) else {
      throw KeysFault(file, "is no text")
    }
    return text
  }
}
