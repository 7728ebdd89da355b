internal import Kubernetes

/// What a Job and its pods say of their machine.
enum JobSighting {
  /// - Parameters:
  ///   - job: nil when there is none.
  ///   - handle: the uid that was started; another Job of the name is not the machine.
  static func judge(_ job: Job?, _ pods: [Pod], handle: String?) -> Sighting {
    guard let job, handle == nil || job.metadata.uid == handle else { return .absent }
    if job.metadata.deletionRequested != nil { return .ended("its Job is being deleted") }
    // The Job's controller ends its pod then, which only says that it was ended.
    if case .failed("DeadlineExceeded", _) = job.end { return .ended("its time was over") }
    // A pod that is on its way out says why more plainly than its Job.
    for pod in pods where pod.phase == .failed { return .ended(self.reason(of: pod)) }
    switch job.end {
    case .complete: return .ended("it ended by itself")
    case .failed(let reason, let message): return .ended("\(reason): \(message)")
    case nil: break
    }
    for pod in pods where pod.phase == .succeeded { return .ended("it ended by itself") }
    if let pod = self.current(pods) {
      if pod.isReady, pod.address != nil { return .ready }
      if let stuck = self.stuckForGood(pod) { return .ended(stuck) }
    }
    return .starting
  }

  /// The one that runs or will.
  static func current(_ pods: [Pod]) -> Pod? {
    pods.filter { $0.metadata.deletionRequested == nil && ($0.phase == .running || $0.phase == .pending) }
      .max { ($0.metadata.created?.secondsSinceEpoch ?? 0) < ($1.metadata.created?.secondsSinceEpoch ?? 0) }
  }

  /// Whether a controller that could not make a pod will not be able to later: it tries again by itself, and
  /// these pass. A webhook or etcd was away; a new namespace has no account or no count of its quota yet.
  static func isForGood(_ message: String) -> Bool {
    [
      "Internal error occurred", "etcdserver:", "error looking up service account",
      "status unknown for quota",
    ]
    .allSatisfy { !message.contains($0) }
  }

  private static func reason(of pod: Pod) -> String {
    if let reason = pod.reason { return "\(reason): \(pod.message ?? "")" }
    for case .terminated(let reason, let code) in pod.containers where code != 0 {
      return reason == "OOMKilled" ? "it used more memory than it has" : "\(reason) (exit code \(code))"
    }
    return "its pod failed"
  }

  /// What no waiting mends. A pull that fails is tried again by the node, and may succeed.
  private static func stuckForGood(_ pod: Pod) -> String? {
    for case .waiting(let reason, let message) in pod.containers
    where ["InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"].contains(reason) {
      return "\(reason): \(message)"
    }
    return nil
  }
}
