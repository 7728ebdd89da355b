import Gate
import JSON
import Kubernetes
import KubernetesDouble
import Testing

@testable import Provisioner

@Suite("A machine's Job") struct MachineJobTests {
  func job(
    _ recipe: PodRecipe = .own, username: String = "dev",
    _ change: (inout KubernetesConfiguration) -> Void = { _ in }
  ) throws -> JSON {
    var configuration = KubernetesConfiguration(
      namespace: "user-workloads", image: "image", recipe: recipe,
      hostKeySecret: HostKeySecret([UInt8](repeating: 1, count: 32)))
    change(&configuration)
    let now = Timestamp(seconds: 1_000_000)
    let lease = Lease(
      id: try #require(WorkloadID("abcdefghijklmnop")), serial: Serial(1), payment: PaymentID("p"),
      spec: WorkloadSpecName("small"), wishes: WorkloadWishes(), backend: "kubernetes", ordered: now,
      end: now + .seconds(600))
    let machine = MachineJob(
      lease: lease, spec: WorkloadSpec(name: lease.spec),
      user: MachineUser(name: try #require(Username(username))),
      configuration: configuration)
    return machine.job(port: 22_001, now: now).json
  }

  @Test("our image's pod breaks no control of `restricted`, with every option")
  func restricted() throws {
    for options in [false, true] {
      let job = try self.job {
        $0.hasUserNamespaces = options
        $0.runtimeClass = options ? "gvisor" : nil
      }
      let spec = try #require(job.at("spec", "template", "spec"))
      #expect(PodSecurity.restricted.violations(of: spec).isEmpty)
      #expect(spec["hostUsers"]?.bool == (options ? false : nil))
      #expect(spec["automountServiceAccountToken"]?.bool == false)
    }
  }

  @Test("linuxserver's pod breaks no control of `baseline`, and some of `restricted`")
  func baseline() throws {
    let spec = try #require(try self.job(.linuxserver).at("spec", "template", "spec"))
    #expect(PodSecurity.baseline.violations(of: spec).isEmpty)
    #expect(!PodSecurity.restricted.violations(of: spec).isEmpty)
  }

  /// The same files are judged by the real schema in Tests/Integration (`kubernetes-validate`).
  @Test("it is word for word what was judged by the schema of the API", arguments: PodRecipe.allCases)
  func golden(_ recipe: PodRecipe) throws {
    let job = try self.job(recipe) {
      $0.hasUserNamespaces = true
      $0.runtimeClass = "gvisor"
      $0.priorityClass = "paid-workload"
    }
    let text = try Role.read("Tests/Vectors/kubernetes/machine-job-\(recipe.rawValue).json")
    #expect(job == (try JSONReader.read(Array(text.utf8))))
  }

  @Test("a limit on processes is set only where it counts one machine's own")
  func processes() throws {
    func command(_ job: JSON) -> [String] {
      (job.at("spec", "template", "spec")?["containers"]?.array?.first?["command"]?.array ?? []).compactMap(
        \.string)
    }
    #expect(!command(try self.job()).contains("--processes"))
    #expect(command(try self.job { $0.hasUserNamespaces = true }).contains("--processes"))
  }

  @Test("users of Paygress find their labels and annotations")
  func paygress() throws {
    let job = try self.job(username: "alice")
    for metadata in [job["metadata"], job.at("spec", "template", "metadata")] {
      #expect(metadata?["labels"]?["app"]?.string == "paygress-ssh-pod")
      #expect(metadata?["labels"]?["pod-name"]?.string == "wl-abcdefghijklmnop")
      let annotations = metadata?["annotations"]?.map ?? [:]
      #expect(annotations["paygress.io/created-at"] == ClockText.text(1_000_000))
      #expect(annotations["paygress.io/expires-at"] == ClockText.text(1_000_600))
      #expect(annotations["paygress.io/duration-minutes"] == "10")
      #expect(annotations["paygress.io/ssh-username"] == "alice")
    }
  }

  @Test("a host key is the same whenever it is asked for, and another for each machine and secret")
  func hostKeys() {
    let secret = HostKeySecret([UInt8](repeating: 1, count: 32))
    let key = secret.hostKey(of: "wl-a")
    #expect(key.publicText == secret.hostKey(of: "wl-a").publicText)
    #expect(key.privateText == secret.hostKey(of: "wl-a").privateText)
    #expect(key.publicText != secret.hostKey(of: "wl-b").publicText)
    #expect(key.publicText != HostKeySecret([UInt8](repeating: 2, count: 32)).hostKey(of: "wl-a").publicText)
    #expect("\(secret)" == "<redacted>")
  }
}

@Suite("What a Job and its pods say") struct JobSightingTests {
  func job(_ status: String, uid: String = "u") throws -> Job {
    try Job(reading: Self.json(#"{"metadata":{"name":"wl","uid":"\#(uid)"},"status":\#(status)}"#))
  }

  private func pod(_ status: String, metadata: String = "") throws -> Pod {
    try Pod(reading: Self.json(#"{"metadata":{"name":"p"\#(metadata)},"status":\#(status)}"#))
  }

  private static func json(_ text: String) throws -> JSON { try JSONReader.read(Array(text.utf8)) }

  private static let ready =
    #"{"phase":"Running","podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}"#

  @Test(
    "each state of a pod is one sighting",
    arguments: [
      (#"{"phase":"Pending"}"#, Sighting.starting), (#"{"phase":"Running","podIP":"10.0.0.1"}"#, .starting),
      (Self.ready, .ready), (#"{"phase":"Succeeded"}"#, .ended("it ended by itself")),
      (#"{"phase":"Failed","reason":"Evicted","message":"low on memory"}"#, .ended("Evicted: low on memory")),
      (
        #"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"InvalidImageName","message":"m"}}}]}"#,
        .ended("InvalidImageName: m")
      ),
      (
        #"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"m"}}}]}"#,
        .starting
      ),
    ])
  func pods(_ status: String, _ sighting: Sighting) throws {
    #expect(JobSighting.judge(try self.job("{}"), [try self.pod(status)], handle: "u") == sighting)
  }

  @Test("without its Job there is no machine; a Job that is over ends it, whatever its pod says")
  func jobs() throws {
    let ready = try self.pod(Self.ready)
    #expect(JobSighting.judge(nil, [ready], handle: "u") == .absent)
    #expect(JobSighting.judge(try self.job("{}", uid: "v"), [ready], handle: "u") == .absent)
    let over =
      #"{"conditions":[{"type":"Failed","status":"True","reason":"DeadlineExceeded","message":"m"}]}"#
    #expect(JobSighting.judge(try self.job(over), [ready], handle: "u") == .ended("its time was over"))
    let killed = try self.pod(
      #"{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"reason":"Error","exitCode":143}}}]}"#)
    #expect(JobSighting.judge(try self.job(over), [killed], handle: "u") == .ended("its time was over"))
    #expect(JobSighting.judge(try self.job("{}"), [killed], handle: "u") == .ended("Error (exit code 143)"))
    #expect(JobSighting.judge(try self.job("{}"), [], handle: nil) == .starting)
  }

  @Test(
    "what the controller could not do is for good, unless it is one of the things that pass",
    arguments: [
      (#"Error creating: pods "p" is forbidden: violates PodSecurity "restricted:latest": privileged"#, true),
      (#"Error creating: pods "p" is forbidden: exceeded quota: machines, requested: pods=1"#, true),
      (#"Error creating: admission webhook "w" denied the request: no"#, true),
      (#"Error creating: pods "p" is forbidden: status unknown for quota: machines, resources: pods"#, false),
      (#"Error creating: pods "p" is forbidden: error looking up service account a/default"#, false),
      ("Error creating: Internal error occurred: failed calling webhook \"w\"", false),
    ])
  func refusals(_ message: String, _ isForGood: Bool) {
    #expect(JobSighting.isForGood(message) == isForGood)
  }

  @Test("a pod on its way out takes no logins")
  func leaving() throws {
    let leaving = try self.pod(Self.ready, metadata: #","deletionTimestamp":"2026-01-01T00:00:00Z""#)
    #expect(JobSighting.judge(try self.job("{}"), [leaving], handle: "u") == .starting)
  }
}
