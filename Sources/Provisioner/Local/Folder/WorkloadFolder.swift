internal import Gate
internal import Glibc

/// The folder of one machine on the host, and what is in it.
///
/// `etc` and `run` are mounted into the machine as folders, so that a file replaced here is replaced there.
struct WorkloadFolder {
  let path: String

  init(of id: WorkloadID, in root: String) { self.path = "\(root)/\(id.text)" }

  var etc: String { "\(self.path)/etc" }
  var run: String { "\(self.path)/run" }
  var log: String { "\(self.path)/log" }
  /// Where its terminals are mounted, for its own processes only.
  var terminals: String { "\(self.path)/terminals" }
  private var hostKey: String { "\(self.etc)/ssh/host_ed25519" }
  private var deadline: String { "\(self.run)/deadline" }
  private var shadow: String { "\(self.etc)/shadow" }
  private var unfinished: String { "\(self.path)/unfinished" }
  private var probeMark: String { "\(self.path)/probe" }
  private var authorizedKeys: String { "\(self.etc)/ssh/authorized_keys" }

  var isThere: Bool { FileTree.exists(self.path) }

  /// Makes the folder and its host key; returns the public key, of the key that was there if one was.
  func prepare() throws(SystemFault) -> String {
    for folder in [self.path, self.etc, "\(self.etc)/ssh", self.run, self.terminals] {
      // Searchable, not listable: a host user of the machine's own has to come through.
      try FileTree.makeFolder(folder, mode: 0o711)
    }
    if let text = try FileTree.read(self.hostKey + ".pub") { return text }
    let key = HostKey.make()
    try FileTree.replace(self.hostKey, with: key.privateText, mode: 0o600)
    try FileTree.replace(self.hostKey + ".pub", with: key.publicText, mode: 0o644)
    return key.publicText
  }

  /// Everything but the credentials and the end.
  func furnish(for id: WorkloadID, _ user: MachineUser, shell: String, nameserver: String?, owner: uid_t?)
    throws(SystemFault)
  {
    let files = [
      ("passwd", user.passwd(shell: shell)), ("group", user.group),
      ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
      ("hostname", "\(id.text)\n"), ("hosts", "127.0.0.1 localhost \(id.text)\n::1 localhost\n"),
      ("resolv.conf", nameserver.map { "nameserver \($0)\n" } ?? ""),
      ("profile", ShellProfile.text), ("ssh/sshd_config", SSHDConfiguration.text(for: user)),
      // Places to mount the host's own on.
      ("ld.so.cache", ""),
    ]
    for (name, text) in files { try FileTree.replace("\(self.etc)/\(name)", with: text, mode: 0o644) }
    for name in ["alternatives", "ssl", "ssl/certs"] {
      try FileTree.makeFolder("\(self.etc)/\(name)", mode: 0o755)
    }
    // The machine's user reads it and does not own it: an owner may do more to a file than its mode says.
    if let owner, let key = try FileTree.read(self.hostKey) {
      try FileTree.replace(self.hostKey, with: key, mode: 0o600, group: owner)
    }
  }

  /// For the next login; what is not given stays as it is, or becomes none where there was nothing.
  func setCredentials(_ credentials: Credentials, owner: uid_t?) throws(SystemFault) {
    if credentials.key != nil || !FileTree.exists(self.authorizedKeys) {
      let keys = credentials.key.map { $0.text + "\n" } ?? ""
      try FileTree.replace(self.authorizedKeys, with: keys, mode: 0o644)
    }
    let fields = try FileTree.read(self.shadow)?.split(separator: ":") ?? []
    let hash = credentials.hash ?? (fields.count > 1 ? PasswordHash(stored: String(fields[1])) : .none)
    let shadow = credentials.user.shadow(hash)
    try FileTree.replace(self.shadow, with: shadow, mode: 0o600, group: owner)
  }

  func setEnd(_ end: Timestamp) throws(SystemFault) {
    let fraction = String(end.milliseconds - end.seconds * 1000 + 1000).dropFirst()
    try FileTree.replace(self.deadline, with: "\(end.seconds).\(fraction)\n", mode: 0o644)
  }

  /// The last end that was set; nil for none.
  func end() throws(SystemFault) -> Timestamp? {
    guard let line = try FileTree.read(self.deadline)?.split(separator: "\n").first else { return nil }
    let parts = line.split(separator: ".")
    guard parts.count == 2, let seconds = Int64(parts[0]), let fraction = Int64(parts[1]) else { return nil }
    return Timestamp(milliseconds: seconds * 1000 + fraction)
  }

  /// The account, as furnished; nil before.
  func user() throws(SystemFault) -> MachineUser? {
    let lines = try FileTree.read("\(self.etc)/passwd")?.split(separator: "\n") ?? []
    guard lines.count > 1, let name = lines[1].split(separator: ":").first else { return nil }
    return Username(String(name)).map { MachineUser(name: $0) }
  }

  /// The host user that a machine from here runs as: its host key is his, or that of his group, which has the
  /// same number. Nil for no host key.
  func owner() -> uid_t? {
    var status = stat()
    guard unsafe lstat(self.hostKey, &status) == 0 else { return nil }
    return status.st_uid == 0 ? status.st_gid : status.st_uid
  }

  /// It runs, or will, before it has all that it was sold with.
  var isUnfinished: Bool { FileTree.exists(self.unfinished) }
  func beginUnfinished() throws(SystemFault) { try FileTree.replace(self.unfinished, with: "", mode: 0o600) }
  func finish() throws(SystemFault) { try FileTree.remove(self.unfinished) }

  /// Says that this is no buyer's machine. Returns what has to be held until it is gone.
  func markAsProbe() throws(SystemFault) -> Descriptor {
    try FileTree.makeFolder(self.path, mode: 0o711)
    let mark = try Descriptor.open(self.probeMark, O_CREAT | O_WRONLY, mode: 0o600)
    guard flock(mark.raw, LOCK_EX | LOCK_NB) == 0 else { throw SystemFault("lock", self.probeMark) }
    return mark
  }

  /// A probe whose service ended before it could remove it.
  var isLeftProbe: Bool {
    guard let mark = try? Descriptor.open(self.probeMark, O_WRONLY) else { return false }
    return flock(mark.raw, LOCK_EX | LOCK_NB) == 0
  }

  /// The last lines of what sandbox and sshd reported.
  func lastWords() -> String {
    let text = ((try? FileTree.read(self.log)) ?? nil) ?? ""
    return text.split(separator: "\n").suffix(3).joined(separator: " | ")
  }

  func remove() throws(SystemFault) { try FileTree.remove(self.path) }
}

/// ``WorkloadCredentials`` in the form of files; nil is what was not given.
struct Credentials {
  let user: MachineUser
  let hash: PasswordHash?
  let key: AuthorizedKey?

  init(_ credentials: WorkloadCredentials, for user: MachineUser) throws(BackendFault) {
    self.user = user
    switch credentials.password {
    case nil: self.hash = nil
    case let password?:
      guard let hash = PasswordHash(of: password) else { throw .refused("The password cannot be used.") }
      self.hash = hash
    }
    switch credentials.publicKey {
    case nil: self.key = nil
    case let text?:
      guard let key = AuthorizedKey(text) else { throw .refused("The public key cannot be used.") }
      self.key = key
    }
  }
}
