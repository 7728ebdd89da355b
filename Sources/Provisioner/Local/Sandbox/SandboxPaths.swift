/// Where things are inside a machine.
enum SandboxPaths {
  static let initProgram = "/run/workload-init"
  static let deadline = "/run/lease/deadline"
  static let sshd = "/usr/sbin/sshd"
  static let sshdConfiguration = "/etc/ssh/sshd_config"
}
