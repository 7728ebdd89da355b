internal import JSON

/// The Job controller, the garbage collector and a kubelet, as toys: they run to rest after every change.
extension ClusterState {
  mutating func react() {
    // Each round undoes the reason for some other rule; a real cluster's controllers settle as well.
    for _ in 0..<20 {
      let before = self.store.version
      for (key, _) in self.store.all(.jobs) { self.tend(job: key) }
      self.collectGarbage()
      for (key, _) in self.store.all(.pods) where self.settings.bootsPods { self.boot(pod: key) }
      if self.store.version == before { return }
    }
  }

  private mutating func tend(job key: ObjectStore.Key) {
    guard var job = self.store.objects[key] else { return }
    let pods = self.store.all(.pods, in: key.namespace).filter { $0.object.ownerUIDs.contains(job.uid) }
    if job.isBeingDeleted {
      for pod in pods { self.end(pod: pod.key) }
      if self.store.all(.pods).allSatisfy({ !$0.object.ownerUIDs.contains(job.uid) }) {
        self.store.remove(key)
      }
      return
    }
    if let finished = job.at("status", "finished")?.seconds {
      if let ttl = job.at("spec", "ttlSecondsAfterFinished")?.seconds, self.now >= finished + ttl {
        self.store.remove(key)
      }
      return
    }
    if job.at("spec", "suspend")?.bool == true {
      for pod in pods { self.end(pod: pod.key) }
      job.put(nil, at: "status", "startTime")
      job.put(nil, at: "status", "startSeconds")
      self.store.replace(job, at: key)
      return
    }
    if job.at("status", "startSeconds") == nil {
      job.put(.string(self.time), at: "status", "startTime")
      job.put(.unsigned(UInt64(self.now)), at: "status", "startSeconds")
      self.store.replace(job, at: key)
    }
    let started = job.at("status", "startSeconds")?.seconds ?? self.now
    if let deadline = job.at("spec", "activeDeadlineSeconds")?.seconds, self.now - started >= deadline {
      for pod in pods { self.end(pod: pod.key) }
      self.finish(
        job, key, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
    } else if let failed = pods.first(where: { $0.object.at("status", "phase")?.string == "Failed" }) {
      self.finish(
        job, key, "Failed", "BackoffLimitExceeded",
        "Job has reached the specified backoff limit: \(failed.key.name)")
    } else if pods.contains(where: { $0.object.at("status", "phase")?.string == "Succeeded" }) {
      self.finish(job, key, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
    } else if job.at("status", "podsMade") != nil, pods.isEmpty {
      // `backoffLimit: 0`: a pod that was deleted counts as failed.
      self.finish(job, key, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    } else if pods.isEmpty {
      self.makePod(for: job, key)
    }
  }

  private mutating func finish(
    _ job: JSON, _ key: ObjectStore.Key, _ type: String, _ reason: String, _ message: String
  ) {
    var job = job
    job.put(.unsigned(UInt64(self.now)), at: "status", "finished")
    job.put(
      .array([
        .record([
          "type": .string(type), "status": .string("True"), "reason": .string(reason),
          "message": .string(message),
        ])
      ]), at: "status", "conditions")
    self.store.replace(job, at: key)
  }

  private mutating func makePod(for job: JSON, _ key: ObjectStore.Key) {
    self.counter += 1
    var pod = JSON.record(["apiVersion": .string("v1"), "kind": .string("Pod")])
    pod.put(job.at("spec", "template", "metadata") ?? .object([]), at: "metadata")
    pod.put(.string("\(key.name)-\(self.counter)"), at: "metadata", "name")
    pod.put(
      .array([
        .record([
          "apiVersion": .string("batch/v1"), "kind": .string("Job"), "name": .string(key.name),
          "uid": .string(job.uid), "controller": .bool(true), "blockOwnerDeletion": .bool(true),
        ])
      ]), at: "metadata", "ownerReferences")
    pod.put(job.at("spec", "template", "spec"), at: "spec")
    pod.put(.string("Pending"), at: "status", "phase")
    // Before the pod, so that its creation does not find none made.
    var marked = job
    marked.put(.bool(true), at: "status", "podsMade")
    do throws(Refusal) {
      let podKey = ObjectStore.Key(resource: .pods, namespace: key.namespace, name: pod.name)
      try self.check(new: pod, podKey)
      _ = self.store.insert(pod, at: podKey, now: self.time)
      self.store.replace(marked, at: key)
    } catch {
      self.tell(about: job, key, reason: "FailedCreate", message: "Error creating: \(error.message)")
    }
  }

  /// One event per object and reason, as the real ones are counted up and not repeated.
  private mutating func tell(about object: JSON, _ key: ObjectStore.Key, reason: String, message: String) {
    let eventKey = ObjectStore.Key(
      resource: .events, namespace: key.namespace, name: "\(key.name).\(reason.lowercased())")
    guard self.store.objects[eventKey] == nil else { return }
    let event = JSON.record([
      "metadata": .record(["name": .string(eventKey.name)]), "reason": .string(reason),
      "message": .string(message), "type": .string("Warning"),
      "involvedObject": .record([
        "kind": .string(key.resource.kind), "name": .string(key.name), "uid": .string(object.uid),
      ]),
    ])
    _ = self.store.insert(event, at: eventKey, now: self.time)
  }

  /// What owned objects are left by owners that are gone.
  private mutating func collectGarbage() {
    let alive = Set(self.store.objects.values.map(\.uid))
    for (key, object) in self.store.objects {
      let owners = object.ownerUIDs
      guard !owners.isEmpty, owners.allSatisfy({ !alive.contains($0) }) else { continue }
      if key.resource == .pods { self.end(pod: key) } else { self.store.remove(key) }
    }
  }

  private mutating func end(pod key: ObjectStore.Key) {
    guard self.settings.holdsTerminatingPods else {
      self.store.remove(key)
      return
    }
    guard var pod = self.store.objects[key], !pod.isBeingDeleted else { return }
    pod.put(.string(self.time), at: "metadata", "deletionTimestamp")
    self.store.replace(pod, at: key)
  }

  mutating func boot(pod key: ObjectStore.Key) {
    guard var pod = self.store.objects[key], pod.at("status", "phase")?.string == "Pending",
      !pod.isBeingDeleted
    else { return }
    // The kubelet waits for what the pod mounts.
    for volume in pod.at("spec", "volumes")?.array ?? [] {
      guard let secret = volume.at("secret", "secretName")?.string else { continue }
      let secretKey = ObjectStore.Key(resource: .secrets, namespace: key.namespace, name: secret)
      guard self.store.objects[secretKey] != nil else {
        self.tell(
          about: pod, key, reason: "FailedMount",
          message: "MountVolume.SetUp failed: secret \"\(secret)\" not found")
        return
      }
    }
    self.counter += 1
    let address = self.settings.podAddress ?? "\(self.settings.network).\(self.counter % 250 + 1)"
    pod.put(.string("Running"), at: "status", "phase")
    pod.put(.string(address), at: "status", "podIP")
    pod.put(.string("node-1"), at: "spec", "nodeName")
    pod.put(
      .array([.record(["type": .string("Ready"), "status": .string("True")])]), at: "status", "conditions")
    self.store.replace(pod, at: key)
  }

  mutating func setStatus(_ status: JSON, of key: ObjectStore.Key) {
    guard var object = self.store.objects[key] else { return }
    var next = object["status"] ?? .object([])
    next.merge(status)
    object.put(next, at: "status")
    self.store.replace(object, at: key)
    self.react()
  }
}
