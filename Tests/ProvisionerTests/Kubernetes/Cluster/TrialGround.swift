import JSON
import KubernetesDouble
import Synchronization
import Testing

@testable import Kubernetes
@testable import Provisioner

/// The namespaces of one trial, with the objects of `deploy/kubernetes` in them, and the operator's calls on
/// them.
struct TrialGround: Sendable {
  static let kinds: [String: ResourceKind] = {
    let rbac = "rbac.authorization.k8s.io"
    let kinds = [
      Namespace.kind, Job.kind, Pod.kind, Secret.kind, NetworkPolicy.kind, ResourceQuota.kind,
      ResourceKind(kind: "LimitRange", plural: "limitranges"),
      ResourceKind(kind: "ServiceAccount", plural: "serviceaccounts"),
      ResourceKind(group: rbac, kind: "Role", plural: "roles"),
      ResourceKind(group: rbac, kind: "RoleBinding", plural: "rolebindings"),
      ResourceKind(kind: "ConfigMap", plural: "configmaps"),
      ResourceKind(kind: "Service", plural: "services"),
      ResourceKind(kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims"),
      ResourceKind(group: "apps", kind: "Deployment", plural: "deployments"),
    ]
    return Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind, $0) })
  }()

  let cluster: TrialCluster
  let operatorClient: KubernetesClient
  /// Of Turnpike itself.
  let home: String
  /// Of machines, as `namespace.yaml` and `baseline.yaml` have them.
  let restricted: String
  let baseline: String
  private let made = Names()

  private final class Names: Sendable { let all = Mutex<[String]>([]) }

  init(_ cluster: TrialCluster) throws {
    self.cluster = cluster
    var limits = KubernetesLimits()
    limits.callTimeout = .seconds(20)
    self.operatorClient = try KubernetesClient(cluster.access, limits: limits)
    let name = "turnpike-test-\(String(UInt32.random(in: 0x1000_0000...UInt32.max), radix: 16))"
    self.home = "\(name)-turnpike"
    self.restricted = "\(name)-restricted"
    self.baseline = "\(name)-baseline"
  }

  // MARK: Beginning and end

  /// Namespaces first, as the manifests have them but for the name; then all that stands in them.
  func lay() async throws {
    let standing = try Manifests.read("namespace.yaml") + Manifests.read("baseline.yaml")
    let names = ["turnpike": self.home, "user-workloads": self.restricted]
    for var namespace in standing {
      let name = names[namespace.name] ?? self.baseline
      namespace.put(.string(name), at: "metadata", "name")
      namespace.put(.string("yes"), at: "metadata", "labels", "turnpike-test")
      try await self.create(namespace, in: nil)
      self.made.all.withLock { $0.append(name) }
    }
    for name in [self.restricted, self.baseline] {
      let places = ["user-workloads": name, "turnpike": self.home]
      for file in ["rbac.yaml", "network.yaml", "quota.yaml"] {
        for object in try Manifests.read(file, places: places) {
          do { try await self.create(object, in: object.at("metadata", "namespace")?.string) } catch {
            // One account for both.
            guard case .alreadyExists? = error as? KubernetesFault else { throw error }
          }
        }
      }
      // We are in no pod of Turnpike's, and want to see who answers in the machines.
      try await self.create(Self.openDoor, in: name)
    }
  }

  /// Whatever happened before, also when the trial was cancelled.
  func clear() async {
    let names = self.made.all.withLock { $0 }
    let work = Task {
      for name in names {
        try? await self.operatorClient.delete(Namespace.self, name)
      }
      for name in names {
        let isGone = try? await self.cluster.eventually(within: .seconds(180)) {
          do throws(KubernetesFault) { _ = try await self.operatorClient.get(Namespace.self, name) } catch {
            if case .notFound = error { return true }
          }
          return false
        }
        if isGone != true {
          Issue.record("the namespace \(name) is still there: kubectl delete namespace -l turnpike-test=yes")
        }
      }
      await self.operatorClient.shutdown()
    }
    await work.value
  }

  private static var openDoor: JSON {
    .record([
      "apiVersion": .string("networking.k8s.io/v1"), "kind": .string("NetworkPolicy"),
      "metadata": .record(["name": .string("trial")]),
      "spec": .record([
        "podSelector": .object([]), "policyTypes": .array([.string("Ingress")]),
        "ingress": .array([
          .record(["ports": .array([.record(["port": .unsigned(2222), "protocol": .string("TCP")])])])
        ]),
      ]),
    ])
  }

  // MARK: The operator's calls

  /// Any object; unknown members are refused and not dropped. A dry run goes through admission and stores
  /// nothing.
  @discardableResult
  func create(_ object: JSON, in namespace: String?, dryRun: Bool = false) async throws -> JSON {
    let word = object["kind"]?.string ?? ""
    let kind = try #require(Self.kinds[word], "no kind \(word)")
    var object = object
    if let namespace { object.put(.string(namespace), at: "metadata", "namespace") }
    var call = APICall(.post(JSONWriter.write(object)), kind, in: namespace)
    call.query = [("fieldManager", "turnpike-test"), ("fieldValidation", "Strict")]
    if dryRun { call.query.append(("dryRun", "All")) }
    return try await self.send(call)
  }

  /// The template of a Job or Deployment as a pod: only those are judged by Pod Security as they are made.
  func judge(podOf owner: JSON, in namespace: String) async throws {
    var pod = JSON.record(["apiVersion": .string("v1"), "kind": .string("Pod")])
    pod.put(owner.at("spec", "template", "metadata"), at: "metadata")
    pod.put(.string(owner.name), at: "metadata", "name")
    pod.put(owner.at("spec", "template", "spec"), at: "spec")
    // The account `default` and what the quota counts are there a moment after their namespace.
    var last: (any Error)?
    let isTaken = try await self.cluster.eventually(within: .seconds(20)) {
      do {
        try await self.create(pod, in: namespace, dryRun: true)
        return true
      } catch {
        last = error
        let words = "\(error)"
        guard words.contains("serviceaccount") || words.contains("status unknown for quota") else {
          throw error
        }
        return false
      }
    }
    if !isTaken, let last { throw last }
  }

  /// What is there of a kind, as the server writes it; nil for nothing.
  func read(_ kind: ResourceKind, _ name: String, in namespace: String) async throws -> JSON? {
    do { return try await self.send(APICall(.get, kind, in: namespace, name: name)) } catch {
      if case .notFound? = error as? KubernetesFault { return nil }
      throw error
    }
  }

  /// Turnpike's own account, which may do there what `rbac.yaml` says and no more.
  func turnpikeAccess(to namespace: String) async throws -> ClusterAccess {
    let kind = ResourceKind(kind: "serviceaccounts", plural: "serviceaccounts")
    let request = JSON.record([
      "apiVersion": .string("authentication.k8s.io/v1"), "kind": .string("TokenRequest"),
      "spec": .record(["expirationSeconds": .unsigned(3600)]),
    ])
    var call = APICall(.post(JSONWriter.write(request)), kind, in: self.home, name: "turnpike")
    call.path += "/token"
    let answer = try await self.send(call)
    let token = try #require(answer.at("status", "token")?.string.flatMap { BearerToken($0) })
    var access = self.cluster.access
    access.identity = nil
    access.credential = .token(token)
    access.namespace = namespace
    return access
  }

  /// What a pod says when the API server asks it in HTTP, which sshd does not speak: the server quotes it.
  func wordsThroughTheServer(of pod: String, in namespace: String) async -> String? {
    var call = APICall(.get, Pod.kind, in: namespace, name: "\(pod):2222")
    call.path += "/proxy/"
    // Where the machine speaks before it is asked, the server drops the connection: then once more.
    for _ in 0..<5 {
      let answer = try? await self.operatorClient.connection.send(call)
      let text = answer.map { String(decoding: $0.body, as: UTF8.self) } ?? ""
      if let start = text.firstRange(of: "SSH-2.0-")?.lowerBound {
        return String(text[start...].prefix { !$0.isNewline && !"\"\\".contains($0) })
      }
    }
    return nil
  }

  private func send(_ call: APICall) async throws -> JSON {
    let answer = try await self.operatorClient.connection.send(call)
    guard 200..<300 ~= answer.status else {
      throw KubernetesFault(
        Status(code: answer.status, body: answer.body), retryAfter: answer.retryAfter)
    }
    return try JSONReader.read(answer.body, bounds: .kubernetes)
  }
}
