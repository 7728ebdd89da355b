internal import JSON

/// The API server's verbs over the store, with the rules that matter to us; every call is one transaction.
struct ClusterState {
  var store = ObjectStore()
  /// Seconds since 1970; moved by tests only.
  var now: Int64 = 1_767_225_600
  var settings = ClusterSettings()
  /// What asynchronous work the double left to do counts up here, so names of pods and events differ.
  var counter = 0

  init() {
    for name in ["default", "user-workloads"] {
      let key = ObjectStore.Key(resource: .namespaces, namespace: "", name: name)
      let labels = JSON.record([
        "kubernetes.io/metadata.name": .string(name),
        "pod-security.kubernetes.io/enforce": name == "default" ? nil : .string("restricted"),
      ])
      _ = self.store.insert(
        .record(["metadata": .record(["name": .string(name), "labels": labels])]), at: key, now: self.time)
    }
  }

  var time: String { ClockText.text(self.now) }

  func get(_ key: ObjectStore.Key) throws(Refusal) -> JSON {
    guard let object = self.store.objects[key] else { throw .notFound(key.resource, key.name) }
    return object
  }

  mutating func create(
    _ resource: Resource, in namespace: String, _ object: JSON, dryRun: Bool = false
  ) throws(Refusal) -> JSON {
    let name = object.name
    guard Names.isSubdomain(name) else {
      throw .invalid(
        resource, name, "metadata.name: Invalid value: a lowercase RFC 1123 subdomain must consist of …")
    }
    guard object["kind"]?.string == resource.kind, object["apiVersion"]?.string == resource.apiVersion else {
      throw Refusal(400, "BadRequest", "the object provided is unrecognized")
    }
    if let given = object.at("metadata", "namespace")?.string, given != namespace {
      throw Refusal(
        400, "BadRequest", "the namespace of the object does not match the namespace on the request")
    }
    let space = ObjectStore.Key(resource: .namespaces, namespace: "", name: namespace)
    if resource != .namespaces, self.store.objects[space] == nil { throw .notFound(.namespaces, namespace) }
    if let problem = Names.problem(metadata: object["metadata"]) { throw .invalid(resource, name, problem) }
    let key = ObjectStore.Key(
      resource: resource, namespace: resource == .namespaces ? "" : namespace, name: name)
    if self.store.objects[key] != nil {
      throw Refusal(409, "AlreadyExists", "\(resource.qualified) \"\(name)\" already exists")
    }
    try self.check(new: object, key)
    var object = object
    if resource == .jobs { Self.labelTemplate(&object) }
    if resource == .namespaces {
      object.put(.string(name), at: "metadata", "labels", "kubernetes.io/metadata.name")
    }
    if dryRun {
      object.put(.string("dry-run"), at: "metadata", "uid")
      object.put(.string(self.time), at: "metadata", "creationTimestamp")
      return object
    }
    let made = self.store.insert(object, at: key, now: self.time)
    self.react()
    return made
  }

  func check(new object: JSON, _ key: ObjectStore.Key) throws(Refusal) {
    switch key.resource {
    case .jobs:
      if let problem = JobRules.problem(object) { throw .invalid(.jobs, key.name, problem) }
    case .pods:
      if let problem = PodRules.problem(spec: object["spec"]) { throw .invalid(.pods, key.name, problem) }
      let space = ObjectStore.Key(resource: .namespaces, namespace: "", name: key.namespace)
      let level = self.store.objects[space]?.labels["pod-security.kubernetes.io/enforce"]
      let violations =
        PodSecurity(rawValue: level ?? "privileged")?.violations(of: object["spec"] ?? .null) ?? []
      guard violations.isEmpty else {
        let text = "violates PodSecurity \"\(level ?? ""):latest\": \(violations.joined(separator: ", "))"
        throw .forbidden(.pods, key.name, text)
      }
    case .secrets:
      for (name, text) in object["data"]?.map ?? [:] where !ClockText.isBase64(text) {
        throw .invalid(.secrets, key.name, "data[\(name)]: illegal base64 data")
      }
    default: break
    }
    try self.checkQuota(key)
  }

  /// `pods`, `count/jobs.batch`, `secrets`: the numbers of objects.
  private func checkQuota(_ key: ObjectStore.Key) throws(Refusal) {
    let names = [key.resource.rawValue, "count/\(key.resource.qualified)"]
    for (quotaKey, quota) in self.store.all(.resourcequotas, in: key.namespace) {
      for (name, limit) in quota.at("spec", "hard")?.map ?? [:] where names.contains(name) {
        let used = self.store.all(key.resource, in: key.namespace).filter { _, object in
          // Pods that have ended take no quota.
          !["Succeeded", "Failed"].contains(object.at("status", "phase")?.string ?? "")
        }.count
        guard let hard = Int(limit), used >= hard else { continue }
        let text =
          "exceeded quota: \(quotaKey.name), requested: \(name)=1, used: \(name)=\(used), limited: \(name)=\(hard)"
        throw .forbidden(key.resource, key.name, text)
      }
    }
  }

  /// The Job controller finds its pods by these.
  private static func labelTemplate(_ job: inout JSON) {
    job.put(
      .string(job.name), at: "spec", "template", "metadata", "labels", "batch.kubernetes.io/job-name")
    job.put(.string(job.name), at: "spec", "template", "metadata", "labels", "job-name")
  }

  mutating func patch(_ key: ObjectStore.Key, _ patch: JSON) throws(Refusal) -> JSON {
    let former = try self.get(key)
    var next = former
    next.merge(patch)
    if let wanted = patch.at("metadata", "resourceVersion")?.string, wanted != String(former.version) {
      throw Refusal(
        409, "Conflict",
        "Operation cannot be fulfilled on \(key.resource.qualified) \"\(key.name)\": "
          + "the object has been modified; please apply your changes to the latest version and try again")
    }
    for member in ["name", "namespace", "uid", "creationTimestamp"]
    where former.at("metadata", member) != next.at("metadata", member) {
      throw .invalid(key.resource, key.name, "metadata.\(member): field is immutable")
    }
    // Written by controllers only, through a subresource.
    next.put(former["status"], at: "status")
    if let problem = Names.problem(metadata: next["metadata"]) {
      throw .invalid(key.resource, key.name, problem)
    }
    let problem: String? =
      switch key.resource {
      case .jobs: JobRules.problem(update: former, to: next) ?? JobRules.problem(next)
      case .pods: PodRules.problem(update: former["spec"], to: next["spec"])
      case .secrets:
        former["immutable"]?.bool == true ? "data: field is immutable when `immutable` is set" : nil
      default: nil
      }
    if let problem { throw .invalid(key.resource, key.name, problem) }
    let written = self.store.replace(next, at: key)
    self.react()
    return written
  }

  mutating func delete(_ key: ObjectStore.Key, options: JSON) throws(Refusal) -> JSON {
    var object = try self.get(key)
    if let uid = options.at("preconditions", "uid")?.string, uid != object.uid {
      let text =
        "Operation cannot be fulfilled on \(key.resource.qualified) \"\(key.name)\": Precondition failed: "
        + "UID in precondition: \(uid), UID in object meta: \(object.uid)"
      throw Refusal(409, "Conflict", text)
    }
    let graceful = key.resource == .pods && self.settings.holdsTerminatingPods
    let waits = options["propagationPolicy"]?.string == "Foreground" && key.resource == .jobs
    if options["gracePeriodSeconds"]?.seconds == 0 || !(graceful || waits) {
      if options["propagationPolicy"]?.string == "Orphan" { self.orphan(dependentsOf: object.uid) }
      self.store.remove(key)
      if key.resource == .namespaces { self.clear(namespace: key.name) }
    } else if !object.isBeingDeleted {
      object.put(.string(self.time), at: "metadata", "deletionTimestamp")
      self.store.replace(object, at: key)
    }
    self.react()
    return object
  }

  /// The namespace controller does it before the namespace goes; nobody can tell here.
  private mutating func clear(namespace: String) {
    for key in self.store.objects.keys where key.namespace == namespace { self.store.remove(key) }
  }

  private mutating func orphan(dependentsOf uid: String) {
    for (key, object) in self.store.objects where object.ownerUIDs.contains(uid) {
      var free = object
      free.put(nil, at: "metadata", "ownerReferences")
      self.store.replace(free, at: key)
    }
  }
}

/// How the toy cluster behaves.
package struct ClusterSettings: Sendable {
  /// New pods run and are ready at once; else ``APIServerDouble/bootPods()`` makes them so.
  package var bootsPods = true
  /// Where pods "are"; when nil each gets one of a part of 127.0.0.0/8 that is this cluster's own.
  package var podAddress: String?
  /// Deleted pods stay, being deleted, until ``APIServerDouble/finishPods()``.
  package var holdsTerminatingPods = false

  let network = "127.\(UInt8.random(in: 1...254)).\(UInt8.random(in: 0...255))"

  package init() {}
}
