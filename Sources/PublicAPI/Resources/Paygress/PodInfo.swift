internal import Gate
internal import JSON

/// A machine in Paygress' words. `ssh_password` is null but in the answer to its payment, which sets it.
struct PodInfo {
  var card: WorkloadCard
  var namespace: String
  /// Where no access tells it.
  var username: String
  /// What its payment was worth; 0 in another unit.
  var sats: UInt64

  private var port: UInt64 { UInt64(self.card.access?.port ?? self.card.lease.port ?? 0) }

  var json: JSON {
    let lease = self.card.lease
    return .record([
      "pod_name": .string(lease.id.podName),
      "namespace": .string(self.namespace),
      "created_at": .string(lease.ordered.rfc3339),
      "expires_at": .string(lease.stop.rfc3339),
      "ssh_port": .unsigned(self.port),
      "ssh_username": .string(self.card.access?.username ?? self.username),
      "ssh_password": self.card.password.map { .string($0.text) } ?? .null,
      "payment_amount_sats": .unsigned(self.sats),
      "duration_minutes": .unsigned(self.card.minutes),
      // The port that is reached from outside, as a NodePort was.
      "node_port": .unsigned(self.port),
      "ssh_host": self.card.access.map { .string($0.host) },
      "ssh_command": self.card.command.map { .string($0) },
      "known_hosts": self.card.access.map { .string($0.knownHosts) },
      "host_key_fingerprint": self.card.access.map { .string($0.fingerprint) },
      "pass": self.card.pass.map { .string($0) },
      "note": self.passwordNote.map { .string($0) },
    ])
  }

  /// How its owner gets one, where none is shown.
  private var passwordNote: String? {
    self.card.password == nil
      ? self.card.passwordNote ?? "To get a new password, present the payment at /spawn-pod again." : nil
  }

  /// `/pods/{name}/port-forward`: nothing is to be forwarded here, and who runs the command runs `true`.
  var forward: JSON {
    let command = self.card.command ?? ""
    let password = self.card.password?.text ?? self.passwordNote ?? ""
    return .record([
      "pod_name": .string(self.card.lease.id.podName),
      "ssh_port": .unsigned(self.port),
      "port_forward_command": .string("true"),
      "ssh_command": .string(command),
      "instructions": .array([
        .string("1. No port is to be forwarded: the machine is reached directly."),
        .string("2. Log in: \(command)"),
        .string("Password: \(password)"),
        .string("Its key: \(self.card.access?.fingerprint ?? "")"),
      ]),
      "node_port": .unsigned(self.port),
      "direct_ssh_command": .string(command),
    ])
  }

  var message: String {
    "SSH pod ready for \(self.card.minutes) minutes: port \(self.port), NodePort \(self.port)"
  }
}
