private import Digest

/// What is configured of machines on a cluster.
package struct KubernetesConfiguration: Sendable {
  /// In lease rows: another one for each cluster or namespace, where several share a book.
  package var name: String
  /// Holds nothing but machines.
  package var namespace: String
  /// Taken when a kind of machine lists none.
  package var image: String
  package var recipe: PodRecipe
  /// Host keys are derived from it: replicas share it. A secret.
  package var hostKeySecret: HostKeySecret
  /// `gvisor`, `kata`: a kernel of its own for each machine.
  package var runtimeClass: String?
  package var priorityClass: String?
  /// A user namespace of its own for each machine (`hostUsers: false`).
  package var hasUserNamespaces: Bool

  package init(
    name: String = "kubernetes", namespace: String, image: String, recipe: PodRecipe = .own,
    hostKeySecret: HostKeySecret, runtimeClass: String? = nil, priorityClass: String? = nil,
    hasUserNamespaces: Bool = false
  ) {
    self.name = name
    self.namespace = namespace
    self.image = image
    self.recipe = recipe
    self.hostKeySecret = hostKeySecret
    self.runtimeClass = runtimeClass
    self.priorityClass = priorityClass
    self.hasUserNamespaces = hasUserNamespaces
  }
}

/// Which kind of image machines run.
package enum PodRecipe: String, Hashable, Sendable, CaseIterable {
  /// `deploy/ssh-workload`: one user, no capability, a read-only root; fits a namespace that enforces
  /// `restricted`.
  case own
  /// `linuxserver/openssh-server`: begins as root, so it needs a namespace that enforces no more than
  /// `baseline`. Its credentials are read once, at its start.
  case linuxserver
}

/// Gives each machine a host key that is the same whenever and wherever it is asked for, so that none is
/// stored.
package struct HostKeySecret: Sendable, CustomStringConvertible {
  private let key: HMACKey

  /// - Parameter secret: 32 random bytes or more.
  package init(_ secret: [UInt8]) { self.key = HMACKey(secret) }

  func hostKey(of machine: String) -> HostKey {
    let seed = self.key.authenticate(Array("turnpike ssh host key \(machine)".utf8))
    let check = self.key.authenticate(Array("turnpike ssh host key check \(machine)".utf8))
    return HostKey(seed: seed, check: Array(check.prefix(4)))
  }

  package var description: String { "<redacted>" }
}
