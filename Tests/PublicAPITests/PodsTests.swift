import Gate
import JSON
import TestKit
import Testing
import Transport

@testable import PublicAPI

@Suite("The Paygress face", .timeLimit(.minutes(1)))
struct PodsTests {
  static func spawn(_ depot: Depot, _ body: String, _ fields: [(String, String)] = []) async -> HTTPResponse {
    await depot.ask("POST", "/spawn-pod", fields, body: body)
  }

  @Test("a token gives a pod, in Paygress' words")
  func spawn() async throws {
    try await Depot.open { depot in
      let answer = await Self.spawn(
        depot, #"{"cashu_token":"a=100","ssh_username":"ada","duration_minutes":20,"unknown":[]}"#)
      #expect(answer.status == 201)
      let json = try #require(answer.json)
      #expect(json["success"]?.bool == true)
      #expect(json["message"]?.string?.contains("20 minutes") == true)
      let pod = try #require(json["pod_info"]?.members)
      let lease = try #require(depot.office.made.first)
      #expect(
        pod.prefix(10).map(\.name) == [
          "pod_name", "namespace", "created_at", "expires_at", "ssh_port", "ssh_username", "ssh_password",
          "payment_amount_sats", "duration_minutes", "node_port",
        ])
      let info = try #require(json["pod_info"])
      #expect(info["pod_name"]?.string == "wl-\(lease.id)")
      #expect(info["namespace"]?.string == "user-workloads")
      #expect(info["created_at"]?.string == "2026-01-01T00:00:00Z")
      #expect(info["expires_at"]?.string == "2026-01-01T00:20:00Z")
      #expect(info["ssh_port"]?.unsigned == 22_000)
      #expect(info["ssh_username"]?.string == "ada")
      #expect(info["payment_amount_sats"]?.unsigned == 100)
      #expect(info["duration_minutes"]?.unsigned == 20)
      #expect(depot.office.passwords(of: lease.id) == [try #require(info["ssh_password"]?.string)])
    }
  }

  @Test(
    "the token may stand in a header, and twice if it is the same",
    arguments: [
      ("", [("X-Cashu", "a=100")]), ("", [("Authorization", "Cashu a=100")]),
      (#"{"cashu_token":"a=100"}"#, [("X-Cashu", "a=100")]),
      (#"{"cashu_token":"a=100"}"#, [("Authorization", "Cashu a=100")]),
      (#"{"cashu_token":""}"#, [("X-Cashu", "a=100")]),
    ])
  func places(body: String, fields: [(String, String)]) async throws {
    try await Depot.open { depot in
      #expect(await Self.spawn(depot, body, fields).status == 201)
    }
  }

  @Test("two parallel spawns with one token are one pod")
  func parallel() async throws {
    try await Depot.open { depot in
      async let one = Self.spawn(depot, #"{"cashu_token":"a=100"}"#)
      async let other = Self.spawn(depot, #"{"cashu_token":"a=100"}"#)
      let names = await [one, other].map { $0.json?["pod_info"]?["pod_name"]?.string }
      #expect(names[0] != nil && names[0] == names[1])
      #expect(depot.office.made.count == 1)
    }
  }

  @Test(
    "a refusal has the same shape, and says how to pay",
    arguments: [
      ("{}", 402, "payment_required"), (#"{"cashu_token":"forged=100"}"#, 402, "invalid"),
      (#"{"cashu_token":"a=1"}"#, 400, "too_little"), (#"{"cashu_token":"nonsense"}"#, 400, "malformed"),
      (#"{"cashu_token":"a=100","pod_image":"evil"}"#, 400, "bad_wish"),
      (#"{"cashu_token":7}"#, 400, "bad_request"),
    ] as [(String, UInt16, String)])
  func refusals(body: String, status: UInt16, reason: String) async throws {
    try await Depot.open { depot in
      let answer = await Self.spawn(depot, body)
      #expect(answer.status == status)
      #expect(answer.json?["success"]?.bool == false)
      #expect(answer.json?["message"]?.string?.isEmpty == false)
      #expect(answer.text.contains(#""pod_info":null"#))
      #expect(answer.json?["reason"]?.string == reason)
      #expect((answer.field("x-coin") == "pay") == (status == 402))
      #expect(depot.office.made.isEmpty)
    }
  }

  @Test("two different tokens are refused")
  func twoTokens() async throws {
    try await Depot.open { depot in
      let answer = await Self.spawn(depot, #"{"cashu_token":"a=100"}"#, [("X-Cashu", "b=100")])
      #expect(answer.status == 400)
      #expect(answer.json?["reason"]?.string == "two_offers")
    }
  }

  @Test(
    "a look sets no password and tells none, whoever looks; strangers get nothing",
    arguments: ["", "/port-forward"])
  func secrets(suffix: String) async throws {
    try await Depot.open { depot in
      let spawned = await Self.spawn(depot, #"{"cashu_token":"a=100"}"#)
      let name = try #require(spawned.json?["pod_info"]?["pod_name"]?.string)
      let id = try #require(WorkloadID(podName: name))
      let admin = WorkloadsTests.bearer(Depot.secret)
      let path = "/pods/\(name)\(suffix)"
      #expect(await depot.ask("GET", path).status == 401)
      let other = try WorkloadsTests.pass(await depot.buy("b=100"))
      #expect(await depot.ask("GET", path, WorkloadsTests.bearer(other)).status == 403)
      let seen = await depot.ask("GET", path, admin)
      #expect(seen.status == 200)
      #expect(depot.office.passwords(of: id).count == 1)
      #expect(!depot.office.passwords(of: id).contains { seen.text.contains($0) })
      for name in [name, id.text] {
        let own = await depot.ask("GET", "/pods/\(name)\(suffix)", [("X-Cashu", "a=100")])
        #expect(own.status == 200)
        #expect(own.text.contains("present the payment at /spawn-pod again"))
        #expect(own.text.contains("ssh -p 22000 dev@ssh.example"))
      }
      #expect(depot.office.passwords(of: id).count == 1)
      let again = await Self.spawn(depot, #"{"cashu_token":"a=100"}"#)
      #expect(depot.office.passwords(of: id).last == again.json?["pod_info"]?["ssh_password"]?.string)
      #expect(depot.office.passwords(of: id).count == 2)
      #expect(again.json?["pod_info"]?["note"] == nil)
      let unknown = await depot.ask("GET", "/pods/ssh-pod-12345678\(suffix)", admin)
      #expect(unknown.status == 404)
      #expect(unknown.json?["message"]?.string == WorkloadID.form)
    }
  }

  @Test("the list is the admin's, or the caller's own, and has no password")
  func list() async throws {
    try await Depot.open { depot in
      _ = await Self.spawn(depot, #"{"cashu_token":"a=100"}"#)
      let own = try WorkloadsTests.pass(await depot.buy("b=200"))
      #expect(await depot.ask("GET", "/pods").status == 401)
      let all = await depot.ask("GET", "/pods", WorkloadsTests.bearer(Depot.secret))
      #expect(all.json?.array?.compactMap { $0["payment_amount_sats"]?.unsigned } == [200, 100])
      #expect(all.json?.array?.allSatisfy { $0["ssh_password"] == nil } == true)
      #expect(all.json?.array?.first?["ssh_username"]?.string == "dev")
      let mine = await depot.ask("GET", "/pods", WorkloadsTests.bearer(own))
      #expect(mine.json?.array?.compactMap { $0["duration_minutes"]?.unsigned } == [120])
    }
  }

  @Test("how to log in has its five keys and four instructions")
  func portForward() async throws {
    try await Depot.open { depot in
      let spawned = await Self.spawn(depot, #"{"cashu_token":"a=100"}"#)
      let name = try #require(spawned.json?["pod_info"]?["pod_name"]?.string)
      let answer = await depot.ask("GET", "/pods/\(name)/port-forward", [("X-Cashu", "a=100")])
      #expect(
        answer.json?.members?.prefix(5).map(\.name) == [
          "pod_name", "ssh_port", "port_forward_command", "ssh_command", "instructions",
        ])
      #expect(answer.json?["ssh_command"]?.string == "ssh -p 22000 dev@ssh.example")
      #expect(answer.json?["instructions"]?.array?.count == 4)
      #expect(answer.json?["instructions"]?.array?[2].string?.hasPrefix("Password: ") == true)
    }
  }

  @Test("health has Paygress' fields, and what is not shut off")
  func health() async throws {
    try await Depot.open { depot in
      depot.office.set(
        OfficeCondition(
          live: 2, reducedIsolation: ["no cgroup"],
          fault: "no bubblewrap at /usr/bin: ask 10.0.0.1:6443, or root."))
      let answer = await depot.ask("GET", "/healthz")
      #expect(answer.json?["status"]?.string == "healthy")
      #expect(answer.json?["config"]?["payment_model"]?.string == "100 sat = 60 minutes")
      #expect(answer.json?["config"]?["minimum_payment"]?.string == "2 sat")
      #expect(answer.json?["config"]?["namespace"]?.string == "user-workloads")
      #expect(answer.json?["active_pods"]?.unsigned == 2)
      #expect(answer.json?["accepting_pods"]?.bool == false)
      #expect(answer.json?["reduced_isolation"] == .array([.string("no cgroup")]))
      // Where is for the log.
      #expect(answer.json?["reason"]?.string == "no bubblewrap at …: ask …, or root.")
      depot.office.set(OfficeCondition())
      depot.office.set(.full(retryAfterSeconds: 5))
      #expect(await depot.ask("GET", "/healthz").json?["reason"]?.string == "All machines are taken.")
      depot.office.set(.open)
      let open = await depot.ask("GET", "/healthz")
      #expect(open.json?["accepting_pods"]?.bool == true)
      #expect(open.json?["reason"] == nil)
    }
  }

  @Test(
    "moments are written as RFC 3339 does",
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
      (1_767_225_599, "2025-12-31T23:59:59Z"),
      (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] as [(Int64, String)])
  func dates(seconds: Int64, text: String) { #expect(Timestamp(seconds: seconds).rfc3339 == text) }
}
