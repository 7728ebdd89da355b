/// The configuration of the one-connection sshd of a machine (sshd_config(5)).
///
/// As a plain user without PAM it reads `shadow` itself and lets only the user in that it runs as.
enum SSHDConfiguration {
  /// What sshd gives a login to finish; PID 1 counts younger connections as logins.
  static let loginSeconds = 20

  static func text(for user: MachineUser) -> String {
    """
    HostKey /etc/ssh/host_ed25519
    AuthorizedKeysFile /etc/ssh/authorized_keys
    StrictModes no
    UsePAM no
    PasswordAuthentication yes
    PubkeyAuthentication yes
    KbdInteractiveAuthentication no
    HostbasedAuthentication no
    PermitRootLogin no
    PermitEmptyPasswords no
    AllowUsers \(user.name)
    PidFile none
    PrintMotd no
    PrintLastLog no
    X11Forwarding no
    AllowTcpForwarding local
    AllowAgentForwarding no
    AllowStreamLocalForwarding no
    GatewayPorts no
    PermitTunnel no
    PermitUserRC no
    PermitUserEnvironment no
    SetEnv LANG=C.UTF-8 TURNPIKE_END_FILE=\(SandboxPaths.deadline)
    MaxAuthTries 4
    MaxSessions 10
    LoginGraceTime \(self.loginSeconds)
    ClientAliveInterval 30
    ClientAliveCountMax 4
    UseDNS no
    Subsystem sftp internal-sftp
    LogLevel INFO
    KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,sntrup761x25519-sha512@openssh.com

    """
  }
}
