internal import JSON

/// What the API server checks of a pod's spec, as far as our pods could break it (core `validation`).
enum PodRules {
  /// The first thing wrong; nil when nothing.
  static func problem(spec: JSON?) -> String? {
    guard let spec, let containers = spec["containers"]?.array, !containers.isEmpty else {
      return "spec.containers: Required value"
    }
    let volumes = spec["volumes"]?.array ?? []
    var names: Set<String> = []
    for volume in volumes {
      guard let name = volume["name"]?.string, Names.isLabel(name), names.insert(name).inserted else {
        return "spec.volumes.name: Invalid or duplicate value"
      }
      guard (volume.members?.count ?? 0) == 2 else {
        return "spec.volumes[\(name)]: Required one volume type"
      }
      if let problem = self.problem(volume: volume) { return problem }
    }
    var containerNames: Set<String> = []
    for container in (spec["initContainers"]?.array ?? []) + containers {
      guard let name = container["name"]?.string, Names.isLabel(name), containerNames.insert(name).inserted
      else {
        return "spec.containers.name: Invalid or duplicate value"
      }
      guard let image = container["image"]?.string, !image.isEmpty else {
        return "spec.containers[\(name)].image: Required value"
      }
      var paths: Set<String> = []
      for mount in container["volumeMounts"]?.array ?? [] {
        guard let volume = mount["name"]?.string, names.contains(volume) else {
          return "spec.containers[\(name)].volumeMounts.name: Not found: \"\(mount["name"]?.string ?? "")\""
        }
        guard let path = mount["mountPath"]?.string, path.hasPrefix("/"), paths.insert(path).inserted else {
          return "spec.containers[\(name)].volumeMounts.mountPath: must be absolute and unique"
        }
      }
      if let problem = self.problem(resources: container["resources"], of: name) { return problem }
    }
    return nil
  }

  private static func problem(volume: JSON) -> String? {
    if let size = volume.at("emptyDir", "sizeLimit")?.string, Quantity.value(size) == nil {
      return "spec.volumes.emptyDir.sizeLimit: Invalid value: \"\(size)\""
    }
    for item in volume.at("downwardAPI", "items")?.array ?? [] {
      guard let field = item.at("fieldRef", "fieldPath")?.string, field.hasPrefix("metadata.annotations['"),
        field.hasSuffix("']"), Names.isQualified(String(field.dropFirst(22).dropLast(2)))
      else { return "spec.volumes.downwardAPI.fieldRef.fieldPath: Unsupported value" }
    }
    return nil
  }

  private static func problem(resources: JSON?, of name: String) -> String? {
    let limits = resources?["limits"]?.map ?? [:]
    for (resource, text) in limits where Quantity.value(text) == nil {
      return "spec.containers[\(name)].resources.limits.\(resource): Invalid value: \"\(text)\""
    }
    for (resource, text) in resources?["requests"]?.map ?? [:] {
      guard let value = Quantity.value(text) else {
        return "spec.containers[\(name)].resources.requests.\(resource): Invalid value: \"\(text)\""
      }
      if let limit = limits[resource].flatMap({ Quantity.value($0) }), value > limit {
        return "spec.containers[\(name)].resources.requests: must be less than or equal to \(resource) limit"
      }
    }
    return nil
  }

  /// What of a pod may change after it was made (`ValidatePodUpdate`): image, tolerations, and a deadline
  /// only down.
  static func problem(update former: JSON?, to next: JSON?) -> String? {
    let before = former?["activeDeadlineSeconds"]?.seconds
    let after = next?["activeDeadlineSeconds"]?.seconds
    if let before {
      guard let after, after <= before else {
        return "spec.activeDeadlineSeconds: Invalid value: must be less than or equal to previous value"
      }
    }
    var (a, b) = (former ?? .null, next ?? .null)
    a.put(nil, at: "activeDeadlineSeconds")
    b.put(nil, at: "activeDeadlineSeconds")
    return a == b ? nil : "spec: Forbidden: pod updates may not change fields other than image, tolerations"
  }
}

/// `100m`, `512Mi`, `2`.
enum Quantity {
  /// Thousandths.
  static func value(_ text: String) -> Int64? {
    let suffixes: [(String, Int64)] = [
      ("Ki", 1000 << 10), ("Mi", 1000 << 20), ("Gi", 1000 << 30), ("Ti", 1000 << 40), ("k", 1_000_000),
      ("M", 1_000_000_000), ("G", 1_000_000_000_000), ("m", 1),
    ]
    for (suffix, factor) in suffixes where text.hasSuffix(suffix) {
      guard let number = Int64(text.dropLast(suffix.count)), number >= 0 else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: factor)
      return overflow ? nil : product
    }
    return Int64(text).flatMap { $0 >= 0 ? $0 * 1000 : nil }
  }
}
