package import Gate
internal import JSON
internal import Kubernetes

extension KubernetesBackend {
  /// How long ``remove(_:handle:)`` waits for a pod's processes; a pod has five seconds, and a node a few
  /// more.
  private static let removalTime: Duration = .seconds(25)

  // MARK: Beginning

  package func prepare(_ lease: Lease, _ spec: WorkloadSpec, besides taken: Set<UInt16>)
    async throws(BackendFault) -> PreparedWorkload
  {
    // What is in the cluster already has been told to its buyer.
    let wanted = self.jobs.object(named: lease.id.podName)?.metadata.annotations[Marks.port].flatMap {
      UInt16($0)
    }
    guard let port = await self.gateway.claim(lease.id, wanting: wanted ?? lease.port, besides: taken) else {
      throw .unavailable("no port is free")
    }
    self.gateway.setEnd(lease.stop, of: lease.id)
    let key = self.configuration.hostKeySecret.hostKey(of: lease.id.podName)
    return PreparedWorkload(port: port, hostKey: key.publicText)
  }

  /// Suspended Job, then what it owns, then the Job is let go: a crash in between leaves nothing without an
  /// owner, and no pod that waits for its files.
  package func start(
    _ lease: Lease, _ spec: WorkloadSpec, credentials: WorkloadCredentials
  ) async throws(BackendFault) -> String {
    guard let port = lease.port else { throw .refused("it was started before it was prepared") }
    let user = try self.user(of: lease, spec)
    let job = MachineJob(lease: lease, spec: spec, user: user, configuration: self.configuration)
      .job(port: port, now: self.clock.now())
    let files = MachineFiles(recipe: self.configuration.recipe, user: user)
    let given = try files.given(credentials)
    let all = try files.all(
      hostKey: self.configuration.hostKeySecret.hostKey(of: lease.id.podName), credentials)
    do throws(KubernetesFault) {
      let made = try await self.createOrFind(job)
      guard let uid = made.metadata.uid else { throw .malformed("a Job without a uid") }
      if made.metadata.deletionRequested != nil {
        throw .conflict(Status(code: 409, reason: "Conflict", message: "its Job is being deleted"))
      }
      let owner = OwnerReference(to: Job.kind, name: lease.id.podName, uid: uid)
      let metadata = ObjectMetadata(
        name: lease.id.podName, namespace: self.configuration.namespace,
        labels: [Marks.lease: lease.id.text, Marks.managedBy: "turnpike"], owners: [owner])
      do throws(KubernetesFault) {
        _ = try await self.client.create(Secret(metadata: metadata, data: all))
      } catch {
        guard case .alreadyExists = error else { throw error }
        try await self.patchSecret(lease.id, given)
      }
      if made.isSuspended {
        _ = try await self.client.patch(
          Job.self, lease.id.podName, in: self.configuration.namespace,
          merging: .record(["spec": .record(["suspend": .bool(false)])]))
      }
      return uid
    } catch {
      throw self.fault(error)
    }
  }

  private func createOrFind(_ job: Job) async throws(KubernetesFault) -> Job {
    do throws(KubernetesFault) { return try await self.client.create(job) } catch {
      guard case .alreadyExists = error else { throw error }
      return try await self.client.get(Job.self, job.metadata.name, in: self.configuration.namespace)
    }
  }

  private func patchSecret(_ id: WorkloadID, _ files: [String: [UInt8]]) async throws(KubernetesFault) {
    guard !files.isEmpty else { return }
    _ = try await self.client.patch(
      Secret.self, id.podName, in: self.configuration.namespace,
      merging: .record(["data": Secret.json(files)]))
  }

  private func user(of lease: Lease, _ spec: WorkloadSpec) throws(BackendFault) -> MachineUser {
    guard let name = Username(lease.wishes.username ?? spec.username) else {
      throw .refused("its user name is none")
    }
    return MachineUser(name: name)
  }

  // MARK: Looking

  package func look(_ lease: Lease) async throws(BackendFault) -> Sighting {
    // A copy may lag behind: it can say that all is well, and only the server that it is not.
    if self.jobs.isLive, self.pods.isLive, self.cached(lease.id, handle: lease.handle) == .ready {
      return .ready
    }
    do throws(KubernetesFault) {
      let job = try await self.job(lease.id)
      let pods = try await self.machinePods(lease.id)
      let sighting = JobSighting.judge(job, pods, handle: lease.handle)
      guard sighting == .starting, pods.isEmpty, let job, !job.isSuspended else { return sighting }
      return try await self.refusal(of: job).map { .ended($0) } ?? sighting
    } catch {
      throw self.fault(error)
    }
  }

  /// Why the Job's controller cannot make its pod: quota, Pod Security, an admission webhook.
  private func refusal(of job: Job) async throws(KubernetesFault) -> String? {
    guard let uid = job.metadata.uid else { return nil }
    let events = try await self.client.list(
      Event.self, in: self.configuration.namespace, Selector(fields: ["involvedObject.uid": uid]), limit: 50)
    return events.items.last { $0.reason == "FailedCreate" && JobSighting.isForGood($0.message) }?.message
  }

  private func job(_ id: WorkloadID) async throws(KubernetesFault) -> Job? {
    do throws(KubernetesFault) {
      return try await self.client.get(Job.self, id.podName, in: self.configuration.namespace)
    } catch {
      guard case .notFound = error else { throw error }
      return nil
    }
  }

  private func machinePods(_ id: WorkloadID) async throws(KubernetesFault) -> [Pod] {
    try await self.client.list(Pod.self, in: self.configuration.namespace, Marks.of(id)).items
  }

  package func inventory() async throws(BackendFault) -> [WorkloadID] {
    do throws(KubernetesFault) {
      let jobs = try await self.client.list(Job.self, in: self.configuration.namespace, Marks.ours)
      return jobs.items.compactMap { Marks.id(of: $0.metadata) }
    } catch {
      throw self.fault(error)
    }
  }

  // MARK: Changing

  /// The Job's deadline may be raised; a pod's own could only fall, so pods of ours have none.
  package func setEnd(_ end: Timestamp, of lease: Lease) async throws(BackendFault) {
    // Made from a template that cannot change, a pod that comes later would not know.
    let pod = try await self.pod(of: lease)
    do throws(KubernetesFault) {
      guard let job = try await self.job(lease.id) else {
        throw .notFound(Status(code: 404, reason: "NotFound", message: "its Job is gone"))
      }
      let people = Marks.paygress(end: end, ordered: lease.ordered)
      // Its own deadline first when it moves away, so that no layer ends it while another has not heard.
      let deadline = String(end.seconds + Backstop.initSeconds)
      try await self.annotate(pod, people.merging([Marks.deadline: deadline]) { _, new in new })
      let start = job.started.map { Timestamp(seconds: $0.secondsSinceEpoch) } ?? self.clock.now()
      self.wrote(end, of: lease.id)
      let annotations = people.merging([Marks.end: String(end.milliseconds)]) { _, new in new }
      _ = try await self.client.patch(
        Job.self, lease.id.podName, in: self.configuration.namespace,
        merging: .record([
          "metadata": .record(["annotations": .map(annotations)]),
          "spec": .record([
            "activeDeadlineSeconds": .integer(MachineJob.activeSeconds(until: end, from: start))
          ]),
        ]))
    } catch {
      self.wrote(nil, of: lease.id)
      throw self.fault(error)
    }
    self.gateway.setEnd(end, of: lease.id)
  }

  package func setCredentials(
    _ credentials: WorkloadCredentials, of lease: Lease
  ) async throws(BackendFault) {
    guard self.configuration.recipe == .own else {
      throw .refused("this image reads its credentials once, at its start")
    }
    let pod = try await self.pod(of: lease)
    guard let name = pod.metadata.annotations["paygress.io/ssh-username"].flatMap({ Username($0) }) else {
      throw .refused("its pod does not say whose it is")
    }
    let files = try MachineFiles(recipe: .own, user: MachineUser(name: name)).given(credentials)
    do throws(KubernetesFault) {
      try await self.patchSecret(lease.id, files)
      try await self.annotate(pod, [Marks.credentials: String(self.clock.now().milliseconds)])
    } catch {
      throw self.fault(error)
    }
  }

  private func pod(of lease: Lease) async throws(BackendFault) -> Pod {
    let pods: [Pod]
    do throws(KubernetesFault) { pods = try await self.machinePods(lease.id) } catch {
      throw self.fault(error)
    }
    guard let pod = JobSighting.current(pods) else { throw .unavailable("it has no pod yet") }
    return pod
  }

  private func annotate(_ pod: Pod, _ annotations: [String: String]) async throws(KubernetesFault) {
    _ = try await self.client.patch(
      Pod.self, pod.metadata.name, in: self.configuration.namespace,
      merging: .record(["metadata": .record(["annotations": .map(annotations)])]))
  }

  // MARK: Ending

  package func remove(_ id: WorkloadID, handle: String?) async throws(BackendFault) {
    // From here on nobody is connected, whatever the cluster does.
    await self.shut(id)
    do throws(KubernetesFault) {
      try await self.delete(Job.self, id.podName)
      try await self.delete(Secret.self, id.podName)
      let deadline = ContinuousClock.now + Self.removalTime
      while true {
        let pods = try await self.machinePods(id)
        if pods.isEmpty, try await self.job(id) == nil {
          self.forget(id)
          return
        }
        // The garbage collector would do it too, in its own time.
        for pod in pods where pod.metadata.deletionRequested == nil {
          try await self.delete(Pod.self, pod.metadata.name)
        }
        guard ContinuousClock.now < deadline else { throw .unreachable(.timedOut) }
        // Cancelled: the caller does not wait any more.
        guard (try? await self.sleeper.sleep(for: .milliseconds(500))) != nil else {
          throw .unreachable(.timedOut)
        }
      }
    } catch {
      throw self.fault(error)
    }
  }

  private func delete<Object: KubernetesObject>(_: Object.Type, _ name: String) async throws(KubernetesFault)
  {
    do throws(KubernetesFault) {
      try await self.client.delete(Object.self, name, in: self.configuration.namespace)
    } catch {
      guard case .notFound = error else { throw error }
    }
  }

  func fault(_ fault: KubernetesFault) -> BackendFault {
    switch fault {
    case .forbidden, .invalid: .refused("\(fault)")
    default: .unavailable("\(fault)")
    }
  }
}
