internal import Gate

/// The one account of a machine, in the files of its `/etc` (passwd(5), group(5), shadow(5)).
struct MachineUser: Equatable {
  let name: Username
  static let id = 1000

  func passwd(shell: String) -> String {
    """
    root:x:0:0:root:/nonexistent:/usr/sbin/nologin
    \(self.name):x:\(Self.id):\(Self.id)::/home/\(self.name):\(shell)
    nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin

    """
  }

  /// Without a group `tty`: sshd would give a terminal to it, which a user who is not root may not, and end.
  var group: String { "root:x:0:\n\(self.name):x:\(Self.id):\nnogroup:x:65534:\n" }

  func shadow(_ hash: PasswordHash) -> String { "\(self.name):\(hash.text):19000:0:99999:7:::\n" }
}
