package import JSON

/// `batch/v1` Job: makes one pod and says how it ended.
package struct Job: KubernetesObject {
  package static let kind = ResourceKind(group: "batch", kind: "Job", plural: "jobs")

  package var metadata: ObjectMetadata
  /// No pod while true.
  package var isSuspended: Bool
  /// Counted from ``started``; may be raised, unlike a pod's.
  package var activeDeadlineSeconds: Int64?
  package var ttlSecondsAfterFinished: Int64?
  /// Not read back: it cannot change after creation.
  package var template: PodTemplate?
  /// When it was let go; a suspension clears it.
  package var started: KubernetesTime?
  package var end: End?

  /// Why it is over (`status.conditions`).
  package enum End: Sendable, Hashable {
    case complete
    /// `DeadlineExceeded`, `BackoffLimitExceeded` …, and the controller's sentence.
    case failed(reason: String, message: String)
  }

  package init(
    metadata: ObjectMetadata, isSuspended: Bool, activeDeadlineSeconds: Int64, ttlSecondsAfterFinished: Int64,
    template: PodTemplate
  ) {
    self.metadata = metadata
    self.isSuspended = isSuspended
    self.activeDeadlineSeconds = activeDeadlineSeconds
    self.ttlSecondsAfterFinished = ttlSecondsAfterFinished
    self.template = template
  }

  package init(reading json: JSON) throws(Misread) {
    self.metadata = try ObjectMetadata(in: json)
    self.isSuspended = json["spec"]?["suspend"]?.bool ?? false
    self.activeDeadlineSeconds = json["spec"]?.integer("activeDeadlineSeconds")
    self.ttlSecondsAfterFinished = json["spec"]?.integer("ttlSecondsAfterFinished")
    self.started = json["status"]?.time("startTime")
    for condition in json["status"]?["conditions"]?.array ?? [] where condition["status"]?.string == "True" {
      switch condition["type"]?.string {
      case "Complete": self.end = .complete
      // FailureTarget comes first in new clusters, while the pod is still being ended.
      case "Failed", "FailureTarget":
        self.end = .failed(
          reason: condition["reason"]?.string ?? "", message: condition["message"]?.string ?? "")
      default: continue
      }
    }
  }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json,
      "spec": .record([
        "suspend": .bool(self.isSuspended), "backoffLimit": .unsigned(0), "completions": .unsigned(1),
        "parallelism": .unsigned(1), "activeDeadlineSeconds": self.activeDeadlineSeconds.map { .integer($0) },
        "ttlSecondsAfterFinished": self.ttlSecondsAfterFinished.map { .integer($0) },
        "template": self.template?.json,
      ]),
    ])
  }
}
