internal import Gate

extension WorkloadsConfiguration {
  var effectiveLines: [String] {
    var lines = ["workloads:", "  backend: \(self.backend.rawValue)"]
    lines.append("  ports: \(self.ports.lowerBound)-\(self.ports.upperBound)")
    lines.append("  listen: \(FlowYAML.text(self.listen))")
    if let host = self.host { lines.append("  host: \(FlowYAML.text(host))") }
    if self.backend == .local { lines.append("  directory: \(FlowYAML.text(self.directory))") }
    lines += ["  max: \(self.max)", "  username: \(FlowYAML.text(self.username))"]
    if let cluster = self.cluster {
      lines.append(
        "  kubernetes: "
          + FlowYAML.mapping([
            ("namespace", FlowYAML.text(cluster.namespace)),
            ("kubeconfig", cluster.kubeconfig.map(FlowYAML.text)), ("image", cluster.image.rawValue),
            ("priorityClass", cluster.priorityClass.map(FlowYAML.text)),
            ("runtimeClass", cluster.runtimeClass.map(FlowYAML.text)),
          ]))
    }
    if let admin = self.admin { lines.append("  admin: \(admin.effectiveYAML)") }
    guard let plain = self.specs.first else { return lines }
    lines += plain.spec.effectivePairs.compactMap { key, value in value.map { "  \(key): \($0)" } }
    guard self.specs.count > 1 else { return lines }
    lines.append("  specs:")
    for (name, spec) in self.specs.dropFirst() {
      lines.append("    - " + FlowYAML.mapping([("name", FlowYAML.text(name.text))] + spec.effectivePairs))
    }
    return lines
  }
}

extension WorkloadsConfiguration.Spec {
  fileprivate var effectivePairs: [(key: String, value: String?)] {
    [
      ("cpu", FlowYAML.text(SizeText.formatCPU(self.milliCPU))),
      ("memory", FlowYAML.text(SizeText.formatBytes(self.memoryBytes))), ("processes", "\(self.processes)"),
      ("disk", FlowYAML.text(SizeText.formatBytes(self.diskBytes))), ("network", self.network.rawValue),
      ("images", self.images.isEmpty ? nil : FlowYAML.list(self.images.map(FlowYAML.text))),
    ]
  }
}
