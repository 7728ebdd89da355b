package import JSON

/// What a Job makes its pod from. Only written; a Job's template never changes after creation.
package struct PodTemplate: Sendable, Equatable {
  package var labels: [String: String]
  package var annotations: [String: String]
  package var spec: PodSpec

  package init(labels: [String: String], annotations: [String: String], spec: PodSpec) {
    self.labels = labels
    self.annotations = annotations
    self.spec = spec
  }

  package var json: JSON {
    .record([
      "metadata": .record(["labels": .map(self.labels), "annotations": .map(self.annotations)]),
      "spec": self.spec.json,
    ])
  }
}

/// `PodSpec`. Never a host namespace, never a service account's token, never a service's variables.
package struct PodSpec: Sendable, Equatable {
  package var containers: [Container]
  package var initContainers: [Container]
  package var volumes: [Volume]
  package var security: PodSecurityContext
  package var terminationGraceSeconds: Int64
  /// False gives the pod a user namespace of its own (Kubernetes 1.33 and later by default).
  package var usesHostUsers: Bool?
  package var runtimeClass: String?
  package var priorityClass: String?

  package init(
    containers: [Container], initContainers: [Container] = [], volumes: [Volume],
    security: PodSecurityContext,
    terminationGraceSeconds: Int64
  ) {
    self.containers = containers
    self.initContainers = initContainers
    self.volumes = volumes
    self.security = security
    self.terminationGraceSeconds = terminationGraceSeconds
  }

  package var json: JSON {
    .record([
      "restartPolicy": .string("Never"), "automountServiceAccountToken": .bool(false),
      "enableServiceLinks": .bool(false), "hostUsers": self.usesHostUsers.map { .bool($0) },
      "runtimeClassName": self.runtimeClass.map { .string($0) },
      "priorityClassName": self.priorityClass.map { .string($0) },
      "terminationGracePeriodSeconds": .integer(self.terminationGraceSeconds),
      "securityContext": self.security.json, "initContainers": .list(self.initContainers.map(\.json)),
      "containers": .array(self.containers.map(\.json)), "volumes": .list(self.volumes.map(\.json)),
    ])
  }
}

/// Who the pod's processes are; the seccomp profile is always the runtime's own.
package struct PodSecurityContext: Sendable, Equatable {
  /// Nil: whoever the image says, which may be root.
  package var userID: Int64?
  /// Group of the volumes' files.
  package var volumeGroupID: Int64?

  package init(userID: Int64?, volumeGroupID: Int64?) {
    self.userID = userID
    self.volumeGroupID = volumeGroupID
  }

  package var json: JSON {
    .record([
      "runAsNonRoot": self.userID.map { _ in .bool(true) }, "runAsUser": self.userID.map { .integer($0) },
      "runAsGroup": self.userID.map { .integer($0) }, "fsGroup": self.volumeGroupID.map { .integer($0) },
      "seccompProfile": .record(["type": .string("RuntimeDefault")]),
    ])
  }
}
