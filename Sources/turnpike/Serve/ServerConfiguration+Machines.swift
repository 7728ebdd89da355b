internal import Gate
internal import Glibc
internal import Kubernetes
internal import Provisioner
internal import PublicAPI
internal import Settings

/// What the configuration says of machines, in the words of the parts that make them.
extension ServerConfiguration {
  /// Pulling an image may take minutes.
  private static let clusterPatience: Duration = .seconds(300)

  /// Nil where none are sold.
  func makeMachines(
    book: any LeaseBook, environment: [String: String], clock: any TimeSource,
    observer: any ProvisionerObserver
  ) throws -> Machines? {
    guard let workloads = self.workloads else { return nil }
    var rules = LeaseRules()
    let backend: any WorkloadBackend
    var cluster: KubernetesClient?
    switch workloads.backend {
    case .local: backend = try workloads.makeLocalBackend(clock: clock)
    case .kubernetes:
      let access: ClusterAccess
      if let file = workloads.cluster?.kubeconfig {
        access = try Kubeconfig.read(path: file)
      } else {
        access = try InClusterAccess.find(environment: environment)
      }
      let client = try KubernetesClient(access)
      cluster = client
      rules.startPatience = Self.clusterPatience
      backend = KubernetesBackend(
        workloads.clusterConfiguration(
          image: workloads.specs.first?.spec.images.first ?? WorkloadsConfiguration.Cluster.theirImage,
          secret: try KeysDirectory(path: self.keysDirectory).machineSecret()),
        client: client,
        gateway: PortGateway(address: workloads.listen, ports: workloads.ports, clock: clock), clock: clock)
    }
    let settings = ProvisionerSettings(
      host: self.sshHost(workloads), specs: workloads.provisionerSpecs, maximum: Int(workloads.max),
      rules: rules)
    return Machines(
      backend: workloads.backend.rawValue,
      provisioner: Provisioner(
        book: book, backend: backend, settings: settings, clock: clock, observer: observer),
      cluster: cluster)
  }

  /// The name that buyers log in at: as configured, else as they reach our API, else the address of the ports.
  private func sshHost(_ workloads: WorkloadsConfiguration) -> String {
    if let host = workloads.host { return host }
    guard let url = self.publicAPI.url?.text, let start = url.firstRange(of: "://")?.upperBound else {
      return workloads.listen
    }
    let authority = url[start...].prefix { $0 != "/" }
    guard authority.hasPrefix("[") else { return String(authority.prefix { $0 != ":" }) }
    return String(authority.dropFirst().prefix { $0 != "]" })
  }

  func workloadSettings() -> PublicSettings.Workloads {
    var settings = PublicSettings.Workloads()
    guard let workloads = self.workloads else { return settings }
    settings.kinds = workloads.provisionerSpecs.map { spec in
      PublicSettings.MachineKind(
        name: spec.name, milliCPU: spec.milliCPU, memoryBytes: spec.memoryBytes, diskBytes: spec.diskBytes,
        processes: spec.processes, images: spec.images, username: spec.username,
        network: spec.network.rawValue)
    }
    if let namespace = workloads.cluster?.namespace { settings.namespace = namespace }
    settings.adminSecret = workloads.admin?.reveal()
    settings.patience = min(settings.patience, self.deadline)
    return settings
  }
}

extension WorkloadsConfiguration {
  var provisionerSpecs: [WorkloadSpec] {
    self.specs.map { name, spec in
      WorkloadSpec(
        name: name, milliCPU: UInt32(clamping: spec.milliCPU), memoryBytes: spec.memoryBytes,
        processes: UInt32(clamping: spec.processes), diskBytes: spec.diskBytes, images: spec.images,
        username: self.username, network: spec.network == .outbound ? .outbound : .none)
    }
  }

  fileprivate func makeLocalBackend(clock: any TimeSource) throws -> LocalBackend {
    let path = self.directory
    guard unsafe mkdir(path, 0o711) == 0 || errno == EEXIST else {
      throw MachinesFault.directory(path, SystemError.text(errno))
    }
    guard let resolved = unsafe realpath(path, nil) else {
      throw MachinesFault.directory(path, SystemError.text(errno))
    }
    defer { unsafe free(resolved) }
    return try LocalBackend(
      LocalConfiguration(
        folder: unsafe String(cString: resolved), ports: self.ports, address: self.listen,
        maxWorkloads: Int(self.max)),
      clock: clock)
  }

  fileprivate func clusterConfiguration(image: String, secret: HostKeySecret) -> KubernetesConfiguration {
    KubernetesConfiguration(
      namespace: self.cluster?.namespace ?? "user-workloads", image: image,
      recipe: self.cluster?.image == .linuxserver ? .linuxserver : .own, hostKeySecret: secret,
      runtimeClass: self.cluster?.runtimeClass, priorityClass: self.cluster?.priorityClass)
  }
}

/// Why no machine can be made at all.
enum MachinesFault: Error, CustomStringConvertible {
  case directory(String, String)

  var description: String {
    switch self {
    case .directory(let path, let reason): "workloads.directory: \(path) cannot be made: \(reason)"
    }
  }
}
