import Gate
import Octets
import Store
import Telemetry
import TestKit
import Testing
import Transport

@testable import turnpike

@Suite("The admin listener")
struct AdminServiceTests {
  private let metrics = ServerMetrics()
  private let readiness: Readiness

  init() {
    self.readiness = Readiness(ledger: MemoryLedger.make(clock: ManualClock())) {
      [
        CounterpartReport(kind: .mint, name: "https://mint.example.com", state: .ready),
        CounterpartReport(kind: .facilitator, name: "https://f.example.com", state: .lacks(["eip155:1"])),
      ]
    }
  }

  private func ask(_ target: String, method: String = "GET", readiness: Readiness? = nil) async
    -> HTTPResponse
  {
    let request = HTTPRequest(peer: Peer(address: .unix))
    request.method = Array(method.utf8)
    request.target = Array(target.utf8)
    switch AdminService(readiness: readiness ?? self.readiness, metrics: self.metrics).respond(to: request) {
    case .now(let response): return response
    case .later(let work): return await work()
    }
  }

  private func text(_ response: HTTPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

  @Test("is alive whatever happens", arguments: ["GET", "HEAD"])
  func alive(method: String) async {
    #expect(await self.ask("/livez", method: method).status == 200)
  }

  @Test("is ready from the moment the listeners are up until it drains")
  func ready() async {
    #expect(await self.ask("/readyz").status == 503)
    self.readiness.begin()
    #expect(await self.ask("/readyz").status == 200)
    #expect(self.readiness.board.isServing("") == true)
    self.readiness.drain()
    #expect(await self.ask("/readyz").status == 503)
    self.readiness.begin()
    #expect(await self.ask("/readyz").status == 503)
    #expect(self.readiness.board.isServing("envoy.service.auth.v3.Authorization") == false)
  }

  @Test(
    "tells payments, store, mints and facilitators apart",
    arguments: ["/readyz?verbose", "/readyz?a=b&verbose=1"])
  func verbose(target: String) async {
    self.readiness.begin()
    #expect(
      self.text(await self.ask(target)) == """
        [+] envoy.service.auth.v3.Authorization ok
        [+] turnpike.payments ok
        [+] turnpike.store ok
        [+] mint https://mint.example.com ok
        [-] facilitator https://f.example.com out: lacks eip155:1

        """)
  }

  @Test("is ready without a mint: only payments are out")
  func mintOut() async {
    let readiness = Readiness(ledger: MemoryLedger.make(clock: ManualClock())) {
      [CounterpartReport(kind: .mint, name: "https://mint.example.com", state: .notHeard)]
    }
    readiness.begin()
    let response = await self.ask("/readyz?verbose", readiness: readiness)
    #expect(response.status == 200)
    #expect(self.text(response).contains("[-] turnpike.payments out\n"))
    #expect(self.text(response).contains("[+] turnpike.store ok\n"))
    #expect(readiness.board.isServing("turnpike.payments") == false)
    #expect(readiness.board.isServing("") == true)
  }

  @Test(
    "machines that cannot be made are told with the reason, and leave the process ready",
    arguments: [
      (CounterpartReport.State.ready, "[+] turnpike.machines ok", "[+] machines local ok"),
      (.unfit("no bwrap"), "[-] turnpike.machines out", "[-] machines local out: no bwrap"),
      (.notHeard, "[-] turnpike.machines out", "[-] machines local out"),
      (.lacks(["out: no root"]), "[+] turnpike.machines ok", "[-] machines local out: lacks out: no root"),
    ])
  func machines(state: CounterpartReport.State, part: String, place: String) async {
    let read: @Sendable () -> [CounterpartReport] = {
      [CounterpartReport(kind: .machines, name: "local", state: state)]
    }
    let readiness = Readiness(ledger: MemoryLedger.make(clock: ManualClock()), counterparts: read)
    readiness.begin()
    let response = await self.ask("/readyz?verbose", readiness: readiness)
    #expect(response.status == 200)
    let lines = self.text(response).split(separator: "\n").map(String.init)
    #expect(lines.contains(part) && lines.contains(place), "\(lines)")
    #expect(lines.contains("[+] turnpike.payments ok"))
    #expect(readiness.board.isServing("turnpike.machines") == part.hasPrefix("[+]"))
    #expect(readiness.board.isServing("") == true)
    let metrics = ServerMetrics()
    metrics.observeCounterparts(read)
    let text = String(decoding: metrics.registry.exposition(), as: UTF8.self)
    let value = state == .ready ? 1 : 0
    #expect(text.contains("turnpike_counterpart_ready{kind=\"machines\",name=\"local\"} \(value)\n"))
  }

  @Test("writes the metrics")
  func metricsPage() async {
    self.metrics.connections(of: "proxy").connectionOpened()
    self.metrics.connections(of: "proxy").received(bytes: 12)
    let response = await self.ask("/metrics")
    #expect(response.status == 200)
    #expect(
      response.fields.only("content-type") == .once(Array(MetricsRegistry.contentType.utf8)[...]))
    let lines = self.text(response).split(separator: "\n")
    #expect(lines.contains("turnpike_connections{listener=\"proxy\"} 1"))
    #expect(lines.contains("turnpike_bytes_total{listener=\"proxy\",direction=\"received\"} 12"))
    #expect(lines.contains("turnpike_payments{state=\"stuck\"} 0"))
    #expect(lines.contains("turnpike_uses_redelivered_total 0"))
  }

  @Test(
    "has nothing else",
    arguments: [
      ("/", "GET"), ("/livez/", "GET"), ("/metrics2", "GET"), ("/metrics", "POST"), ("//livez", "GET"),
    ])
  func nothingElse(target: String, method: String) async {
    #expect(await self.ask(target, method: method).status == 404)
  }
}
