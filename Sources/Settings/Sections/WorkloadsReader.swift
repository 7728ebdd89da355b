internal import Gate
internal import Octets

/// Reads `workloads`, under Paygress' variables of the same.
struct WorkloadsReader {
  let root: Section<RootKey>
  let surroundings: Surroundings

  private static let namespace = "POD_NAMESPACE"
  private static let image = "SSH_BASE_IMAGE"
  private static let host = "SSH_HOST"
  private static let firstPort = "SSH_PORT_RANGE_START"
  private static let lastPort = "SSH_PORT_RANGE_END"

  static let variables = [namespace, image, host, firstPort, lastPort]

  /// The spec that the keys of `workloads` itself describe.
  static let plainSpec = WorkloadSpecName("ssh")

  func read() -> WorkloadsConfiguration? {
    guard let item = self.root.item(.workloads), let section = Section<WorkloadsKey>(item) else { return nil }
    let backend = section.item(.backend)?.choice(WorkloadsConfiguration.Backend.self) ?? .local
    var plain = WorkloadsConfiguration.Spec(
      milliCPU: 500, memoryBytes: 256 << 20, processes: 128, diskBytes: 128 << 20, images: [], network: .none)
    self.read(
      Sizes(
        cpu: section.item(.cpu), memory: section.item(.memory), processes: section.item(.processes),
        disk: section.item(.disk), network: section.item(.network),
        images: self.surroundings.item(named: Self.image, section.findings) ?? section.item(.images)),
      into: &plain, backend)
    var specs = [(name: Self.plainSpec, spec: plain)]
    if let item = section.item(.specs) { specs += self.specs(item, like: plain, backend) }
    let cluster = self.cluster(section, backend)
    if plain.images.isEmpty { self.requireImages(section, cluster) }
    let ports = self.ports(section) ?? 22000...22999
    return WorkloadsConfiguration(
      backend: backend, ports: ports,
      listen: section.item(.listen).flatMap(self.address) ?? "127.0.0.1", host: self.host(section),
      directory: self.directory(section, backend), max: self.maximum(section, ports),
      username: section.item(.username).flatMap(self.username) ?? "dev", cluster: cluster,
      admin: section.item(.admin).flatMap { SecretReader(surroundings: self.surroundings).read($0) },
      specs: specs)
  }

  // MARK: Where

  /// The first and the last, `22000-22999`.
  private func ports(_ section: Section<WorkloadsKey>) -> ClosedRange<UInt16>? {
    if let first = self.surroundings.item(named: Self.firstPort, section.findings),
      let last = self.surroundings.item(named: Self.lastPort, section.findings)
    {
      guard let low = first.integer(1...65535), let high = last.integer(1...65535) else { return nil }
      return self.range(low, high, last)
    }
    guard let item = section.item(.ports), let text = item.text() else { return nil }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let low = UInt64(parts[0]), let high = UInt64(parts[1]) else {
      item.refuse("expected a range such as `22000-22999`, found \(Item.quote(text))")
      return nil
    }
    return self.range(low, high, item)
  }

  private func maximum(_ section: Section<WorkloadsKey>, _ ports: ClosedRange<UInt16>) -> UInt64 {
    guard let item = section.item(.max), let count = item.integer(1...10_000) else { return 100 }
    if count > ports.count {
      item.warn(
        "there are only \(ports.count) `ports`, one for each machine: never more run at the same time")
    }
    return count
  }

  private func range(_ low: UInt64, _ high: UInt64, _ item: Item) -> ClosedRange<UInt16>? {
    guard low >= 1024, low <= high, high <= 65535 else {
      item.refuse("must be from 1024 to 65535, the first before the last")
      return nil
    }
    return UInt16(low)...UInt16(high)
  }

  private func address(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    guard IPText.octets(text.utf8) != nil else {
      item.refuse(
        "expected an address to bind to, such as `127.0.0.1` or `0.0.0.0`, found \(Item.quote(text))")
      return nil
    }
    return text
  }

  private func host(_ section: Section<WorkloadsKey>) -> String? {
    let item = self.surroundings.item(named: Self.host, section.findings) ?? section.item(.host)
    guard let item, let text = item.text() else { return nil }
    guard CanonicalHost(text.utf8)?.text == text || IPText.octets(text.utf8) != nil else {
      item.refuse("expected the name or address that buyers use, without a port, found \(Item.quote(text))")
      return nil
    }
    return text
  }

  private func directory(
    _ section: Section<WorkloadsKey>, _ backend: WorkloadsConfiguration.Backend
  ) -> String {
    guard let item = section.item(.directory) else { return "./workloads" }
    if backend != .local { item.warn("means nothing: `backend` is `\(backend.rawValue)`") }
    return item.text() ?? "./workloads"
  }

  private func cluster(
    _ section: Section<WorkloadsKey>, _ backend: WorkloadsConfiguration.Backend
  ) -> WorkloadsConfiguration.Cluster? {
    guard backend == .kubernetes else {
      section.item(.kubernetes)?.warn("means nothing: `backend` is `\(backend.rawValue)`")
      return nil
    }
    let keys = section.item(.kubernetes).flatMap { Section<ClusterKey>($0) }
    let namespace =
      self.surroundings.item(named: Self.namespace, section.findings) ?? keys?.item(.namespace)
    return WorkloadsConfiguration.Cluster(
      namespace: namespace.flatMap(self.label) ?? "user-workloads",
      kubeconfig: keys?.item(.kubeconfig).flatMap(self.file),
      image: keys?.item(.image)?.choice(WorkloadsConfiguration.Cluster.Image.self) ?? .turnpike,
      priorityClass: keys?.item(.priorityClass).flatMap(self.label),
      runtimeClass: keys?.item(.runtimeClass).flatMap(self.label))
  }

  /// The path of a file that can be read now.
  private func file(_ item: Item) -> String? {
    self.surroundings.contents(ofFileAt: item) == nil ? nil : item.text()
  }

  /// Ours is published nowhere: its operator builds it, and names what he has built.
  private func requireImages(_ section: Section<WorkloadsKey>, _ cluster: WorkloadsConfiguration.Cluster?) {
    let location = section.location(of: .images)
    switch cluster?.image {
    case .turnpike:
      section.findings.refuse(
        "`images` is missing: build deploy/ssh-workload, push it and name it by its digest, as "
          + "`registry.example.com/ssh-workload@sha256:…`", at: location)
    case .linuxserver:
      section.findings.warn(
        "is `\(WorkloadsConfiguration.Cluster.theirImage)`, which another image may be tomorrow: name one by its "
          + "digest", at: location)
    case nil: break
    }
  }

  /// RFC 1123: small letters, digits and `-`.
  private func label(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    guard text.utf8.count <= 63, text.utf8.first != ASCII.dash, text.utf8.last != ASCII.dash,
      text.utf8.allSatisfy({ 0x61...0x7A ~= $0 || ASCII.isDigit($0) || $0 == ASCII.dash })
    else {
      item.refuse("expected small letters, digits and `-`, found \(Item.quote(text))")
      return nil
    }
    return text
  }

  // MARK: What

  /// By the rule of a buyer's own: with any other name no machine would ever start.
  private func username(_ item: Item) -> String? {
    guard let text = item.text() else { return nil }
    guard Username(text) != nil else {
      item.refuse(WishFault.username.text)
      return nil
    }
    return text
  }

  private struct Sizes {
    var cpu, memory, processes, disk, network, images: Item?
  }

  private func read(
    _ sizes: Sizes, into spec: inout WorkloadsConfiguration.Spec, _ backend: WorkloadsConfiguration.Backend
  ) {
    if let milli = sizes.cpu.flatMap(self.cpu) { spec.milliCPU = milli }
    if let bytes = sizes.memory.flatMap({ self.bytes($0, least: 64 << 20) }) { spec.memoryBytes = bytes }
    spec.processes = sizes.processes?.integer(16...100_000) ?? spec.processes
    if let bytes = sizes.disk.flatMap({ self.bytes($0, least: 1 << 20) }) {
      spec.diskBytes = bytes
    } else if sizes.memory != nil, backend == .local {
      spec.diskBytes = spec.memoryBytes / 2
    }
    spec.network = sizes.network?.choice(WorkloadsConfiguration.Network.self) ?? spec.network
    if let images = sizes.images {
      if backend == .local { images.warn("means nothing: local machines see this host's `/usr`") }
      spec.images = images.sequence?.compactMap { $0.text() } ?? images.text().map { [$0] } ?? []
    }
    // What is in the home directory is memory (tmpfs): full, no login would have any left.
    if backend == .local, spec.diskBytes > spec.memoryBytes / 2 {
      (sizes.disk ?? sizes.memory)?.refuse(
        "`disk` must be at most half of `memory`: local machines keep files in memory")
    }
  }

  private func cpu(_ item: Item) -> UInt64? {
    guard let text = item.text() else { return nil }
    guard let milli = SizeText.milliCPU(text), (10...256_000).contains(milli) else {
      item.refuse(
        "expected cores from `10m` to `256`, such as `0.5`, `500m` or `2`, found \(Item.quote(text))")
      return nil
    }
    return milli
  }

  private func bytes(_ item: Item, least: UInt64) -> UInt64? {
    guard let text = item.text() else { return nil }
    guard let bytes = SizeText.bytes(text), bytes >= least, bytes <= 1 << 44 else {
      item.refuse(
        "expected at least `\(SizeText.formatBytes(least))`, such as `256Mi` or `1Gi`, found \(Item.quote(text))"
      )
      return nil
    }
    return bytes
  }

  private func specs(
    _ item: Item, like plain: WorkloadsConfiguration.Spec, _ backend: WorkloadsConfiguration.Backend
  ) -> [(name: WorkloadSpecName, spec: WorkloadsConfiguration.Spec)] {
    guard let elements = item.list() else { return [] }
    var found: [(name: WorkloadSpecName, spec: WorkloadsConfiguration.Spec)] = []
    for element in elements {
      guard let section = Section<SpecKey>(element), let item = section.required(.name),
        let text = self.label(item)
      else { continue }
      let name = WorkloadSpecName(text)
      guard name != Self.plainSpec, !found.contains(where: { $0.name == name }) else {
        item.refuse(
          "there is a kind of this name already; `ssh` is the one that `workloads` itself describes")
        continue
      }
      var spec = plain
      self.read(
        Sizes(
          cpu: section.item(.cpu), memory: section.item(.memory), processes: section.item(.processes),
          disk: section.item(.disk), network: section.item(.network), images: section.item(.images)),
        into: &spec, backend)
      found.append((name, spec))
    }
    return found
  }
}
