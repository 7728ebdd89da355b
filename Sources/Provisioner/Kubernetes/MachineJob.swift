internal import Gate
internal import Kubernetes

/// The Job of a machine, as it is created: suspended, with all that its pod will be.
struct MachineJob {
  static let sshPort: UInt16 = 2222
  /// Where `deploy/ssh-workload` has it: not below /run, over which some runtimes put an empty folder.
  static let initProgram = "/usr/local/bin/workload-init"

  let lease: Lease
  let spec: WorkloadSpec
  let user: MachineUser
  let configuration: KubernetesConfiguration

  func job(port: UInt16, now: Timestamp) -> Job {
    let labels = Marks.labels(of: self.lease, self.spec)
    let annotations = Marks.paygress(end: self.lease.end, ordered: self.lease.ordered).merging([
      "paygress.io/created-at": Marks.text(self.lease.ordered),
      "paygress.io/ssh-username": self.user.name.text,
    ]) { _, new in new }
    let deadline = String(self.lease.end.seconds + Backstop.initSeconds)
    return Job(
      metadata: ObjectMetadata(
        name: self.lease.id.podName, namespace: self.configuration.namespace, labels: labels,
        annotations: annotations.merging([
          Marks.end: String(self.lease.end.milliseconds), Marks.port: String(port),
        ]) { _, new in new }),
      isSuspended: true, activeDeadlineSeconds: Self.activeSeconds(until: self.lease.end, from: now),
      ttlSecondsAfterFinished: 60,
      template: PodTemplate(
        labels: labels,
        annotations: annotations.merging([Marks.deadline: deadline, Marks.credentials: "0"]) { _, new in new
        },
        spec: self.podSpec))
  }

  static func activeSeconds(until end: Timestamp, from start: Timestamp) -> Int64 {
    max(1, end.seconds - start.seconds + Backstop.jobSeconds)
  }

  private var podSpec: PodSpec {
    var spec =
      switch self.configuration.recipe {
      case .own: self.ownPod
      case .linuxserver: self.linuxserverPod
      }
    spec.runtimeClass = self.configuration.runtimeClass
    spec.priorityClass = self.configuration.priorityClass
    if self.configuration.hasUserNamespaces { spec.usesHostUsers = false }
    return spec
  }

  private var image: String { self.lease.wishes.image ?? self.spec.images.first ?? self.configuration.image }
  private var home: String { "/home/\(self.user.name)" }

  private var ownPod: PodSpec {
    var container = self.container(mounts: [
      Mount("files", at: "/run/wl", isReadOnly: true),
      Mount("files", at: "/etc/passwd", file: "passwd", isReadOnly: true),
      Mount("files", at: "/etc/group", file: "group", isReadOnly: true),
      Mount("lease", at: "/run/lease", isReadOnly: true),
      Mount("home", at: self.home), Mount("tmp", at: "/tmp"),
    ])
    // All connections come from the gateway, which has counted them by source.
    var command = [
      Self.initProgram, "serve", "--deadline", SandboxPaths.deadline, "--port", String(Self.sshPort),
      "--logins", "16", "--per-source", "16",
    ]
    // Counted per host user unless there is a user namespace: one machine's processes would fill another's
    // limit.
    if self.configuration.hasUserNamespaces { command += ["--processes", String(self.spec.processes)] }
    container.command =
      command + ["--", SandboxPaths.sshd, "-i", "-e", "-f", SandboxPaths.sshdConfiguration]
    return PodSpec(
      containers: [container],
      volumes: self.volumes + [Volume("tmp", .empty(size: self.tmpSize, inMemory: true))],
      security: PodSecurityContext(userID: Int64(MachineUser.id), volumeGroupID: Int64(MachineUser.id)),
      terminationGraceSeconds: 5)
  }

  private var linuxserverPod: PodSpec {
    // s6 changes owners and users at its start; baseline allows no more than these, and it needs no more.
    let capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
    var keys = Container(
      name: "host-key", image: self.image,
      mounts: [Mount("files", at: "/run/wl", isReadOnly: true), Mount("home", at: "/config")])
    keys.command = [
      "/bin/sh", "-c",
      "mkdir -p /config/ssh_host_keys && cd /config/ssh_host_keys && "
        + "cp /run/wl/host_ed25519 ssh_host_ed25519_key && "
        + "cp /run/wl/host_ed25519.pub ssh_host_ed25519_key.pub && chmod 600 ssh_host_ed25519_key",
    ]
    keys.capabilities = capabilities
    keys.hasReadOnlyRoot = false
    keys.limits = ["cpu": "500m", "memory": "64Mi"]
    var container = self.container(mounts: [
      Mount("files", at: "/run/wl", isReadOnly: true), Mount("home", at: "/config"),
    ])
    container.capabilities = capabilities
    container.hasReadOnlyRoot = false
    container.environment = [
      "PUID": "1000", "PGID": "1000", "TZ": "Etc/UTC", "LISTEN_PORT": String(Self.sshPort),
      "LOG_STDOUT": "true",
      "USER_NAME": self.user.name.text, "PASSWORD_ACCESS": "true", "USER_PASSWORD_FILE": "/run/wl/password",
      "PUBLIC_KEY_FILE": "/run/wl/authorized_keys",
    ]
    return PodSpec(
      containers: [container], initContainers: [keys], volumes: self.volumes,
      security: PodSecurityContext(userID: nil, volumeGroupID: Int64(MachineUser.id)),
      terminationGraceSeconds: 5)
  }

  private func container(mounts: [Mount]) -> Container {
    var container = Container(name: "ssh-server", image: self.image, mounts: mounts)
    container.port = Self.sshPort
    container.probedPort = Self.sshPort
    let mebibytes = max(64, self.spec.memoryBytes >> 20)
    let disk = max(64, self.spec.diskBytes >> 20)
    container.limits = [
      "cpu": "\(max(10, self.spec.milliCPU))m", "memory": "\(mebibytes)Mi",
      // The home, and what is written beside it.
      "ephemeral-storage": "\(disk + 64)Mi",
    ]
    // Memory is what is sold, and is there; processor time is shared.
    container.requests = [
      "cpu": "\(max(10, self.spec.milliCPU / 4))m", "memory": "\(mebibytes)Mi", "ephemeral-storage": "64Mi",
    ]
    return container
  }

  private var volumes: [Volume] {
    let file = Volume.AnnotationFile(path: "deadline", annotation: Marks.deadline)
    return [
      Volume("files", .secret(name: self.lease.id.podName)), Volume("lease", .annotations([file])),
      Volume("home", .empty(size: "\(max(64, self.spec.diskBytes >> 20))Mi", inMemory: false)),
    ]
  }

  /// In memory, so it counts against the machine's: an eighth, as on the local backend.
  private var tmpSize: String { "\(max(8, self.spec.memoryBytes >> 23))Mi" }
}
