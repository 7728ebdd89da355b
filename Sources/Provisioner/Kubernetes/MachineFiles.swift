internal import Digest
internal import Gate
internal import Octets

/// The files of a machine's Secret. Only those given are written again when credentials change.
struct MachineFiles {
  let recipe: PodRecipe
  let user: MachineUser

  /// What a new machine needs: a password or key that is not given is none.
  func all(hostKey: HostKey, _ credentials: WorkloadCredentials) throws(BackendFault) -> [String: [UInt8]] {
    var files: [String: String] = ["host_ed25519": hostKey.privateText]
    switch self.recipe {
    case .own:
      files["passwd"] = self.user.passwd(shell: "/bin/bash")
      files["group"] = self.user.group
      files["sshd_config"] = SSHDConfiguration.text(for: self.user)
      files["profile"] = ShellProfile.text
      files["shadow"] = self.user.shadow(.none)
    case .linuxserver:
      files["host_ed25519.pub"] = hostKey.publicText + "\n"
      // With an empty one it would take a short one of its own choice.
      files["password"] = Base64.encodeURL(RandomBytes.make(count: 24))
    }
    files["authorized_keys"] = ""
    return files.mapValues { Array($0.utf8) }.merging(try self.given(credentials)) { _, given in given }
  }

  func given(_ credentials: WorkloadCredentials) throws(BackendFault) -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    if let password = credentials.password {
      switch self.recipe {
      case .own:
        guard let hash = PasswordHash(of: password) else { throw .refused("the password cannot be hashed") }
        files["shadow"] = Array(self.user.shadow(hash).utf8)
      case .linuxserver: files["password"] = Array(password.text.utf8)
      }
    }
    if let key = credentials.publicKey { files["authorized_keys"] = Array((key + "\n").utf8) }
    return files
  }
}
