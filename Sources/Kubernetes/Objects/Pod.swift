package import JSON

/// A pod as it runs; made by a Job, never by us.
package struct Pod: KubernetesObject {
  package static let kind = ResourceKind(kind: "Pod", plural: "pods")

  package var metadata: ObjectMetadata
  package var phase: Phase
  /// The `Ready` condition: its readiness probe succeeds.
  package var isReady: Bool
  package var address: String?
  package var node: String?
  /// Of the pod (`Evicted`, `DeadlineExceeded`) when it failed as a whole.
  package var reason: String?
  package var message: String?
  package var containers: [ContainerState]

  package enum Phase: String, Sendable, Hashable {
    case pending = "Pending"
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"
    case unknown = "Unknown"
  }

  package init(reading json: JSON) throws(Misread) {
    self.metadata = try ObjectMetadata(in: json)
    let status = json["status"] ?? .object([])
    self.phase = status["phase"]?.string.flatMap { Phase(rawValue: $0) } ?? .pending
    self.isReady = (status["conditions"]?.array ?? []).contains {
      $0["type"]?.string == "Ready" && $0["status"]?.string == "True"
    }
    self.address = status["podIP"]?.string
    self.node = json["spec"]?["nodeName"]?.string
    self.reason = status["reason"]?.string
    self.message = status["message"]?.string
    let statuses = (status["initContainerStatuses"]?.array ?? []) + (status["containerStatuses"]?.array ?? [])
    self.containers = statuses.compactMap { ContainerState(reading: $0) }
  }

  package var json: JSON {
    .record([
      "apiVersion": .string(Self.kind.apiVersion), "kind": .string(Self.kind.kind),
      "metadata": self.metadata.json,
    ])
  }
}

/// Where one container of a pod is held up, or how it ended. Running ones have none.
package enum ContainerState: Sendable, Hashable {
  /// `ImagePullBackOff`, `CreateContainerConfigError` …
  case waiting(reason: String, message: String)
  /// `OOMKilled`, `Completed`, `Error` …
  case terminated(reason: String, exitCode: Int64)

  init?(reading status: JSON) {
    if let waiting = status["state"]?["waiting"] {
      self = .waiting(reason: waiting["reason"]?.string ?? "", message: waiting["message"]?.string ?? "")
    } else if let ended = status["state"]?["terminated"] {
      self = .terminated(reason: ended["reason"]?.string ?? "", exitCode: ended.integer("exitCode") ?? 0)
    } else {
      return nil
    }
  }
}
