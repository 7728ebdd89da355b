package import JSON

/// One container of a pod. Its privileges cannot grow (`allowPrivilegeEscalation: false`), and all
/// capabilities are dropped but those named.
package struct Container: Sendable, Equatable {
  package var name: String
  package var image: String
  /// Nil for the image's own.
  package var command: [String]?
  package var environment: [String: String]
  /// Named `ssh`.
  package var port: UInt16?
  package var capabilities: [String]
  package var hasReadOnlyRoot: Bool
  /// Quantities by resource name.
  package var requests: [String: String]
  package var limits: [String: String]
  package var mounts: [Mount]
  /// Tried every second.
  package var probedPort: UInt16?

  package init(name: String, image: String, mounts: [Mount]) {
    self.name = name
    self.image = image
    self.command = nil
    self.environment = [:]
    self.port = nil
    self.capabilities = []
    self.hasReadOnlyRoot = true
    self.requests = [:]
    self.limits = [:]
    self.mounts = mounts
    self.probedPort = nil
  }

  package var json: JSON {
    .record([
      "name": .string(self.name), "image": .string(self.image), "imagePullPolicy": .string("IfNotPresent"),
      "command": self.command.map { .array($0.map { .string($0) }) },
      "env": .list(
        self.environment.sorted { $0.key < $1.key }.map {
          .record(["name": .string($0.key), "value": .string($0.value)])
        }),
      "ports": self.port.map {
        .array([.record(["name": .string("ssh"), "containerPort": .integer($0), "protocol": .string("TCP")])])
      },
      "securityContext": .record([
        "allowPrivilegeEscalation": .bool(false), "readOnlyRootFilesystem": .bool(self.hasReadOnlyRoot),
        "capabilities": .record([
          "drop": .array([.string("ALL")]), "add": .list(self.capabilities.map { .string($0) }),
        ]),
      ]),
      "resources": .record(["requests": .map(self.requests), "limits": .map(self.limits)]),
      "readinessProbe": self.probedPort.map {
        .record([
          "tcpSocket": .record(["port": .integer($0)]), "periodSeconds": .unsigned(1),
          "failureThreshold": .unsigned(60),
        ])
      },
      "volumeMounts": .list(self.mounts.map(\.json)),
    ])
  }
}

package struct Mount: Sendable, Equatable {
  package var volume: String
  package var path: String
  /// One file of the volume; such a mount never sees the volume's later changes.
  package var file: String?
  package var isReadOnly: Bool

  package init(_ volume: String, at path: String, file: String? = nil, isReadOnly: Bool = false) {
    self.volume = volume
    self.path = path
    self.file = file
    self.isReadOnly = isReadOnly
  }

  var json: JSON {
    .record([
      "name": .string(self.volume), "mountPath": .string(self.path),
      "subPath": self.file.map { .string($0) }, "readOnly": self.isReadOnly ? .bool(true) : nil,
    ])
  }
}

package struct Volume: Sendable, Equatable {
  package var name: String
  package var source: Source

  package enum Source: Sendable, Equatable {
    /// Files readable by their owner and the volume group only.
    case secret(name: String)
    /// A quantity bounds it; in memory it counts against the pod's.
    case empty(size: String, inMemory: Bool)
    /// Files that hold the pod's annotations, kept up to date by the node.
    case annotations([AnnotationFile])
  }

  package struct AnnotationFile: Sendable, Equatable {
    package var path: String
    package var annotation: String

    package init(path: String, annotation: String) {
      self.path = path
      self.annotation = annotation
    }
  }

  package init(_ name: String, _ source: Source) {
    self.name = name
    self.source = source
  }

  var json: JSON {
    switch self.source {
    case .secret(let secret):
      .record([
        "name": .string(self.name),
        "secret": .record(["secretName": .string(secret), "defaultMode": .unsigned(0o440)]),
      ])
    case .empty(let size, let inMemory):
      .record([
        "name": .string(self.name),
        "emptyDir": .record(["medium": inMemory ? .string("Memory") : nil, "sizeLimit": .string(size)]),
      ])
    case .annotations(let files):
      .record([
        "name": .string(self.name),
        "downwardAPI": .record([
          "items": .array(
            files.map {
              .record([
                "path": .string($0.path),
                "fieldRef": .record(["fieldPath": .string("metadata.annotations['\($0.annotation)']")]),
              ])
            })
        ]),
      ])
    }
  }
}
