internal import Glibc

/// Files and folders by path; every path is absolute.
enum FileTree {
  /// A folder that is there already is left as it is.
  static func makeFolder(_ path: String, mode: mode_t) throws(SystemFault) {
    guard unsafe mkdir(path, mode) != 0 else {
      // The mask of the process took bits away.
      guard unsafe chmod(path, mode) == 0 else { throw SystemFault("chmod", path) }
      return
    }
    guard errno == EEXIST else { throw SystemFault("mkdir", path) }
  }

  /// Replaces a file at once: whoever reads it sees the old content or the new, never a part; of several at a
  /// time the last one stays.
  ///
  /// - Parameter group: may read it too; nil for nobody.
  static func replace(_ path: String, with text: String, mode: mode_t, group: gid_t? = nil)
    throws(SystemFault)
  {
    let draft = "\(path).\(UInt64.random(in: 0...UInt64.max))"
    let file = try Descriptor.open(draft, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode: mode)
    do throws(SystemFault) {
      try file.write(Array(text.utf8))
      if let group, fchown(file.raw, uid_t.max, group) != 0 { throw SystemFault("chown", path) }
      // Not before: another group would read what was meant for this one.
      guard fchmod(file.raw, group == nil ? mode : mode | S_IRGRP) == 0 else {
        throw SystemFault("chmod", path)
      }
      guard unsafe rename(draft, path) == 0 else { throw SystemFault("rename", path) }
    } catch {
      unsafe unlink(draft)
      throw error
    }
  }

  /// Nil where there is none. At most 64 KiB, from the start.
  static func read(_ path: String) throws(SystemFault) -> String? {
    let file: Descriptor
    do {
      // Without O_NONBLOCK whoever holds a lease of the file (fcntl(2)) would have us wait for him.
      file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
    } catch {
      if error.code == ENOENT || error.code == ESRCH || error.code == ENOTDIR { return nil }
      throw error
    }
    var bytes: [UInt8] = []
    while bytes.count < 65_536 {
      let piece = try file.read(atMost: 16_384)
      if piece.isEmpty { break }
      bytes += piece
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// For files of the kernel, which take one write and no replacement.
  static func set(_ path: String, to value: String) throws(SystemFault) {
    do {
      try Descriptor.open(path, O_WRONLY).write(Array(value.utf8))
    } catch {
      throw SystemFault(code: error.code, "write \(value) to", path)
    }
  }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
  static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

  /// The first folder on the way to `path` that not everybody may pass through; nil when all can.
  static func closedFolder(above path: String) -> String? {
    var folder = ""
    for name in path.split(separator: "/").dropLast() {
      folder += "/\(name)"
      var status = stat()
      guard unsafe stat(folder, &status) == 0, status.st_mode & S_IXOTH != 0 else { return folder }
    }
    return nil
  }

  /// Replaces a program at once; whoever runs the old one goes on with it.
  static func copy(program: String, to path: String) throws(SystemFault) {
    let source = try Descriptor.open(program, O_RDONLY)
    let draft = path + ".new"
    unsafe unlink(draft)
    let file = try Descriptor.open(draft, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode: 0o755)
    while case let piece = try source.read(atMost: 1 << 20), !piece.isEmpty { try file.write(piece) }
    guard fchmod(file.raw, 0o755) == 0 else { throw SystemFault("chmod", path) }
    guard unsafe rename(draft, path) == 0 else { throw SystemFault("rename", path) }
  }

  /// The names in a folder, without `.` and `..`; none where there is no such folder.
  static func names(in path: String) throws(SystemFault) -> [String] {
    guard let folder = unsafe opendir(path) else {
      if errno == ENOENT { return [] }
      throw SystemFault("opendir", path)
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// A folder with all that is in it; following no links, and content with there being none.
  static func remove(_ path: String) throws(SystemFault) {
    if unsafe unlink(path) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemFault("unlink", path) }
    for name in try self.names(in: path) { try self.remove("\(path)/\(name)") }
    guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw SystemFault("rmdir", path) }
  }

  /// An empty folder, as those of control groups are; content with there being none.
  static func removeFolder(_ path: String) throws(SystemFault) {
    guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw SystemFault("rmdir", path) }
  }
}
