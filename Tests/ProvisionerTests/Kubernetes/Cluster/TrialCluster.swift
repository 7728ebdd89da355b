import Gate
import Glibc
import JSON
import Kubernetes
import KubernetesDouble
import Testing

@testable import Provisioner

/// A cluster on which the life of machines is tried: the double, or the real one that `KUBECONFIG` names. The
/// difference ends here.
struct TrialCluster: Sendable {
  enum Kind: Sendable, CustomTestStringConvertible {
    case double, real

    /// `make test` must never touch a cluster that somebody happens to be logged in to: only
    /// `make test-cluster` asks for the real one.
    static var asked: [Kind] { value("TURNPIKE_TEST_CLUSTER") == "real" ? [.real] : [.double] }

    var testDescription: String {
      switch self {
      case .double: "the double"
      case .real: "the cluster of KUBECONFIG"
      }
    }
  }

  /// The operator's.
  let access: ClusterAccess
  let clock: any TimeSource
  let sleeper: any Clock<Duration>
  /// Our image, where there is one.
  let image: String?
  /// How long a node may need to pull an image and boot it.
  let patience: Duration
  private let double: APIServerDouble?
  private let pods: PodListener?
  private let hasImages: Bool

  /// - Parameter hasImages: false for a double whose pods wait for theirs for ever.
  static func begin(_ kind: Kind, hasImages: Bool = true) async throws -> TrialCluster {
    switch kind {
    case .double:
      let server = try await APIServerDouble.start()
      let address = "127.\(UInt8.random(in: 1...254)).\(UInt8.random(in: 0...255)).9"
      server.settings {
        $0.podAddress = address
        $0.bootsPods = false
      }
      let access = ClusterAccess(
        server: server.url, trust: .system, credential: .none, namespace: "default")
      return TrialCluster(
        access: access, clock: DoubleClock(server: server), sleeper: HastyClock(),
        image: "registry.example/ssh-workload:1", patience: .seconds(5), double: server,
        pods: try await PodListener.start(address: address), hasImages: hasImages)
    case .real:
      // A list of files, as for kubectl; of them the first.
      let path = value("KUBECONFIG").split(separator: ":").first.map { String($0) } ?? ""
      guard !path.isEmpty else { throw ClusterTrouble("KUBECONFIG names no file") }
      let image = value("TURNPIKE_TEST_IMAGE")
      return TrialCluster(
        access: try Kubeconfig.read(path: path), clock: SystemClock(), sleeper: ContinuousClock(),
        image: image.isEmpty ? nil : image, patience: .seconds(240), double: nil, pods: nil, hasImages: true)
    }
  }

  /// A real cluster's pods have addresses that only its nodes need to know.
  var mayBeOutOfReach: Bool { self.double == nil }

  func end() async {
    await self.pods?.stop()
    await self.double?.stop()
  }

  /// The pods that wait may run now; real ones do by themselves.
  func boot() { if self.hasImages { self.double?.bootPods() } }

  /// Says of the first pod that comes to the double that its image cannot be had.
  func failPulls(in namespace: String) async throws {
    let waiting = JSON.record([
      "reason": .string("ImagePullBackOff"), "message": .string("no such host"),
    ])
    let isThere = try await self.eventually(within: .seconds(10)) {
      self.double?.objects(.pods, in: namespace).isEmpty == false
    }
    try #require(isThere)
    for pod in self.double?.objects(.pods, in: namespace) ?? [] {
      self.double?.setStatus(
        .pods, pod.name,
        .record([
          "phase": .string("Pending"),
          "containerStatuses": .array([.record(["state": .record(["waiting": waiting])])]),
        ]), in: namespace)
    }
  }

  /// Lets time go by.
  func pass(seconds: Int64) async throws {
    if let double { double.advance(by: seconds) } else { try await Task.sleep(for: .seconds(seconds)) }
  }

  /// Tries until it is so, or as long as `limit`: for what a cluster does in its own time.
  func eventually(within limit: Duration, _ isSo: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
      if try await isSo() { return true }
      guard ContinuousClock.now < deadline else { return false }
      try await Task.sleep(for: self.double == nil ? .milliseconds(500) : .milliseconds(10))
    }
  }
}

/// The value of a variable; empty for none.
private func value(_ name: String) -> String {
  unsafe getenv(name).map { unsafe String(cString: $0) } ?? ""
}

private struct SystemClock: TimeSource {
  func now() -> Timestamp {
    var moment = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &moment)
    return Timestamp(milliseconds: Int64(moment.tv_sec) * 1000 + Int64(moment.tv_nsec) / 1_000_000)
  }
}
