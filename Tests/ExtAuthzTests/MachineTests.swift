import Octets
import Proto
import Testing
import Transport

@testable import ExtAuthz
@testable import Gate

/// What an app behind each proxy is told of a machine, and that no client can say it.
@Suite("Machines, through every adapter")
struct MachineTests {
  let house: House
  private static let spoofed = [("X-Provisioned-Pod", "wl-mine"), ("Turnpike-Grant", "tg1.spoofed")]

  init() throws { self.house = try House() }

  private func ask(_ request: HTTPRequest) async -> HTTPResponse {
    let adapters = ProxyAdapters(desk: self.house.desk, settings: ProxyAdapters.Settings())
    return await adapters.respond(to: request).value()
  }

  private func ask(_ request: CheckRequestWire) async throws -> CheckResponse {
    let adapter = EnvoyAdapter(desk: self.house.desk, settings: EnvoyAdapter.Settings())
    let message = GRPCMessage(
      bytes: request.bytes[...], deadline: nil, peer: .loopback, metadata: FieldList())
    guard case .message(let answer, _) = await adapter.check(message).value() else { throw Unexpected() }
    return try CheckResponse(wire: answer)
  }

  /// The grant holds for the request that was asked about, and no other.
  private func expectGrant(_ text: String?, method: RequestMethod = .get) throws {
    let text = Array(try #require(text).utf8)[...]
    let host = Array("a.example".utf8)[...]
    let grant = self.house.gate.workloadGrant(
      text, method: method, target: Array("/ssh".utf8)[...], host: host)
    #expect(grant?.workload == HouseOffice.lease.id)
    #expect(grant?.payment == HouseOffice.lease.payment)
    let other = self.house.gate.workloadGrant(text, method: .put, target: Array("/ssh".utf8)[...], host: host)
    #expect(other == nil)
  }

  @Test("an allow names the machine and carries its grant, in place of the client's own", arguments: Door.all)
  func http(door: Door) async throws {
    let pass = [("Turnpike-Pass", House.machinePass)]
    let answer = await self.ask(door.request("/ssh?x=1", method: "POST", and: pass + Self.spoofed))
    #expect(answer.status == 200)
    #expect(answer.fields.text("x-provisioned-pod") == HouseOffice.lease.id.podName)
    #expect(answer.fields.text("x-payment-verified") == "true")
    try self.expectGrant(answer.fields.text("turnpike-grant"), method: .post)
  }

  @Test("on every other route both are blanked", arguments: Door.all)
  func blanked(door: Door) async throws {
    let answer = await self.ask(door.request("/free/page", and: Self.spoofed))
    #expect(answer.status == 200)
    #expect(answer.fields.text("x-provisioned-pod") == "")
    #expect(answer.fields.text("turnpike-grant") == "")
  }

  @Test("Envoy sets both on an allow that is for a machine, and takes both away on every other")
  func envoy() async throws {
    let spoofed = Self.spoofed.map { ($0.0.lowercased(), $0.1) }
    let request = CheckRequestWire(
      path: "/ssh", headers: [("turnpike-pass", House.machinePass)] + spoofed)
    guard case .ok(let machine) = try await self.ask(request).answer else { throw Unexpected() }
    #expect(machine.headers.first { $0.name == "x-provisioned-pod" }?.value == HouseOffice.lease.id.podName)
    #expect(machine.headers.filter { $0.name == "turnpike-grant" }.map(\.appendAction) == [2])
    try self.expectGrant(machine.headers.first { $0.name == "turnpike-grant" }?.value)
    guard case .ok(let free) = try await self.ask(CheckRequestWire(path: "/free/x", headers: spoofed)).answer
    else { throw Unexpected() }
    for name in ["x-provisioned-pod", "turnpike-grant"] {
      #expect(free.headersToRemove.contains(name))
      #expect(!free.headers.contains { $0.name == name })
    }
  }

  @Test("a challenge endpoint hands out no grant")
  func challenge() async throws {
    let answer = await self.ask(
      HTTPRequest(
        "/nginx/challenge",
        Door.nginx("/ssh", "GET", "a.example") + [("Turnpike-Pass", House.machinePass)], host: "a.example"))
    #expect(answer.status != 200)
    #expect(!answer.fields.contains("turnpike-grant") && !answer.fields.contains("x-provisioned-pod"))
  }

  private static let none = [
    Vacancy.full(retryAfterSeconds: 11), .unavailable("no sshd", retryAfterSeconds: 11),
  ]
  private static let doors =
    Door.all + [Door(path: "/nginx/challenge", question: Door.nginx, refusal: 402)]

  @Test(
    "where no machine can be had, nobody is asked to pay: 503 for programs and browsers alike",
    arguments: Self.doors, Self.none)
  func noVacancy(door: Door, vacancy: Vacancy) async throws {
    let house = try House(vacancy: vacancy)
    let adapters = ProxyAdapters(desk: house.desk, settings: ProxyAdapters.Settings())
    for accept in ["*/*", PaymentPageTests.firefox] {
      let answer = await adapters.respond(to: door.request("/ssh", and: [("Accept", accept)])).value()
      #expect(answer.status == (door.refusal == 402 ? 503 : 401))
      #expect(answer.fields.text("turnpike-reason") == "no_vacancy")
      #expect(answer.fields.text("retry-after") == "11")
      #expect(!answer.fields.contains("x-coin"))
      #expect(!String(decoding: answer.body, as: UTF8.self).contains("sshd"))
    }
    let holder = [("Turnpike-Pass", House.machinePass)]
    guard door.path != "/nginx/challenge" else { return }
    #expect(await adapters.respond(to: door.request("/ssh", and: holder)).value().status == 200)
  }

  @Test("nor through Envoy")
  func noVacancyAtEnvoy() async throws {
    let house = try House(vacancy: .full(retryAfterSeconds: 11))
    let adapter = EnvoyAdapter(desk: house.desk, settings: EnvoyAdapter.Settings())
    let message = GRPCMessage(
      bytes: CheckRequestWire(path: "/ssh").bytes[...], deadline: nil, peer: .loopback, metadata: FieldList())
    guard case .message(let answer, _) = await adapter.check(message).value(),
      case .denied(let denied) = try CheckResponse(wire: answer).answer
    else { throw Unexpected() }
    #expect(denied.status == 503)
    #expect(denied.headers.first { $0.name == "retry-after" }?.value == "11")
  }

  @Test("a rate says what it buys, as JSON and on the page", arguments: PaymentPageTests.doors)
  func sale(door: Door) async throws {
    let says = "100 sat for 1 hour of an SSH machine"
    let json = await self.ask(door.request("/ssh", and: [("Accept", "*/*")]))
    #expect(json.status == 402)
    #expect(String(decoding: json.body, as: UTF8.self).contains(#""sells":"\#(says)""#))
    let page = await self.ask(door.request("/ssh", and: [("Accept", PaymentPageTests.firefox)]))
    #expect(String(decoding: page.body, as: UTF8.self).contains("<p>\(says)</p>"))
    let single = await self.ask(door.request("/paid/x", and: [("Accept", "*/*")]))
    #expect(!String(decoding: single.body, as: UTF8.self).contains("sells"))
  }

  @Test("what is sold is said in the unit that people count in")
  func units() throws {
    let asset = Amount(80_000, Amount.Unit("eip155:8453/0xabc"))
    func text(_ prices: [Amount], _ terms: Tariff.Terms) -> String? {
      SaleText.text(of: Tariff(prices: prices, terms: terms), on: nil)
    }
    #expect(
      text([asset, Amount(8, Amount.Unit("usd"))], .rate(per: .seconds(3600))) == "0.08 USD for 1 hour")
    #expect(text([asset], .rate(per: .seconds(3600), least: .seconds(120))) == "from 2 minutes")
    #expect(text([Amount(5, .sat)], .rate(per: .seconds(90))) == "5 sat for 90 seconds")
    #expect(text([Amount(5, .sat)], .uses(2)) == nil)
    #expect(text([Amount(5, .sat)], .duration(.seconds(60))) == nil)
  }
}
