import JSON
import Testing
import Transport

@testable import PublicAPI

@Suite("The public service")
struct PublicServiceTests {
  @Test("a body of more than 64 KiB is not taken")
  func intake() throws {
    let request = HTTPRequest(peer: Peer(address: .unix))
    guard case .whole(let maxBytes) = try Shop().service.intake(for: request) else {
      Issue.record("not whole")
      return
    }
    #expect(maxBytes == 64 * 1024)
  }

  @Test("the process is healthy, and says its version")
  func health() async throws {
    let answer = try await Shop().ask("GET", "/healthz")
    #expect(answer.status == 200)
    #expect(answer.text == #"{"status":"healthy","service":"turnpike","version":"1.2"}"# + "\n")
  }

  @Test(
    "what is not there is 404, and no adapter answers here",
    arguments: [
      "/", "/v1", "/v1/offers/", "/v1/payments", "/v1/payments/", "/v1/payments/a/b", "/nginx/check",
      "/traefik",
      "/auth", "/v1/invoices/",
    ])
  func missing(path: String) async throws {
    let answer = try await Shop().ask("GET", path)
    #expect(answer.status == 404)
    #expect(answer.json?["reason"]?.string == "not_found")
  }

  @Test(
    "another method is 405 and told which",
    arguments: [
      ("POST", "/v1/offers", "GET, HEAD, OPTIONS"), ("GET", "/v1/passes", "POST, OPTIONS"),
      ("DELETE", "/v1/payments/x", "GET, HEAD, OPTIONS"), ("PUT", "/healthz", "GET, HEAD, OPTIONS"),
      ("GET", "/v1/invoices", "POST, OPTIONS"), ("PUT", "/v1/workloads", "GET, HEAD, POST, OPTIONS"),
      ("POST", "/v1/workloads/x", "GET, HEAD, DELETE, OPTIONS"), ("GET", "/spawn-pod", "POST, OPTIONS"),
      ("GET", "/v1/workloads/x/extend", "POST, OPTIONS"), ("DELETE", "/pods/x", "GET, HEAD, OPTIONS"),
    ])
  func methods(method: String, path: String, allow: String) async throws {
    let answer = try await Shop().ask(method, path)
    #expect(answer.status == 405)
    #expect(answer.field("allow") == allow)
  }

  @Test("pages of any origin may ask, without cookies")
  func cors() async throws {
    let preflight = try await Shop().ask("OPTIONS", "/v1/passes")
    #expect(preflight.status == 204)
    #expect(preflight.field("access-control-allow-origin") == "*")
    #expect(
      preflight.field("access-control-allow-headers") == "authorization, content-type, turnpike-pass, x-coin")
    #expect(preflight.field("access-control-allow-credentials") == nil)
    let refusal = try await Shop().ask("POST", "/v1/passes?url=https://shop.example/one/x")
    #expect(refusal.status == 402)
    #expect(refusal.field("access-control-allow-origin") == "*")
  }

  @Test("the description is JSON, and names every path")
  func openAPI() async throws {
    let answer = try await Shop().ask("GET", "/openapi.json")
    let paths = try #require(answer.json?["paths"]?.members).map(\.name)
    #expect(
      paths == [
        "/healthz", "/v1/offers", "/v1/passes", "/v1/invoices", "/v1/invoices/{id}", "/v1/payments/{id}",
        "/v1/workloads", "/v1/workloads/by-payment", "/v1/workloads/{id}", "/v1/workloads/{id}/extend",
        "/spawn-pod", "/pods", "/pods/{name}", "/pods/{name}/port-forward",
      ])
    let components = try #require(answer.json?["components"])
    for part in answer.text.split(separator: ##"{"$ref":"#/components/"##).dropFirst() {
      let names = part.prefix { $0 != "\"" }.split(separator: "/").map(String.init)
      #expect(components[names[0]]?[names[1]] != nil, "\(names)")
    }
  }

  @Test(
    "what a machine's path refuses is described",
    arguments: [
      ("/v1/workloads", "post", ["400", "402", "404", "409", "410", "415", "503"]),
      ("/v1/workloads/{id}", "get", ["401", "403", "404", "409", "503"]),
      ("/v1/workloads/{id}/extend", "post", ["401", "402", "403", "404", "409", "410", "503"]),
      ("/spawn-pod", "post", ["400", "402", "415", "503"]), ("/pods/{name}", "get", ["401", "403", "404"]),
    ])
  func describedRefusals(path: String, method: String, statuses: [String]) async throws {
    let answer = try await Shop().ask("GET", "/openapi.json")
    let asked = try #require(answer.json?["paths"]?[path]?[method])
    let described = try #require(asked["responses"]?.members).map(\.name)
    #expect(Set(statuses).isSubset(of: described))
    let references = try #require(asked["parameters"]?.array).compactMap { $0["$ref"]?.string }
    #expect(Set(["Cashu", "Pass"].map { "#/components/parameters/\($0)" }).isSubset(of: references))
    #expect(answer.json?["components"]?["schemas"]?["Refusal"]?["properties"]?["message"] != nil)
  }
}

@Suite("What is on offer")
struct OffersTests {
  @Test("what is offered is told away from the loops that decide, and in a bounded time")
  func manyOffers() async throws {
    let shop = try Shop(prices: 100)
    let request = HTTPRequest(peer: Peer(address: .unix))
    request.method = Array("GET".utf8)
    request.target = Array("/v1/offers".utf8)
    guard case .later(let work) = shop.service.respond(to: request) else { throw Unexpected() }
    let routes = try #require(await work().json?["routes"]?.array)
    #expect(routes.count == 104)
    #expect(routes.count { $0["payments"] != nil } == OffersResource.maxPrices)
    #expect(routes.count { $0["prices"] != nil } == 103)
  }

  @Test("every route that a buyer can reach is listed with its prices and how they are paid")
  func routes() async throws {
    let offers = try #require(try await Shop().ask("GET", "/v1/offers").json)
    let routes = try #require(offers["routes"]?.array)
    #expect(routes.compactMap { $0["path"]?.string } == ["/free/**", "/one/**", "/five/**", "/hour/**"])
    #expect(routes.compactMap { $0["access"]?.string } == ["free", "priced", "priced", "priced"])
    #expect(routes[1]["prices"] == .array([.record(["amount": .unsigned(10), "unit": .string("sat")])]))
    #expect(routes[2]["pass"]?["uses"]?.unsigned == 5)
    #expect(routes[3]["pass"]?["seconds"]?.unsigned == 3600)
    let payments = try #require(routes[1]["payments"]?.array)
    #expect(payments.compactMap { $0["method"]?.string } == ["coin", "lightning"])
    #expect(payments[0]["headers"]?["x-coin"]?.string == "pay")
    #expect(payments[0]["coins"] == .array([.unsigned(1)]))
    #expect(payments[1]["order"]?.string == "https://pay.example/v1/invoices")
    #expect(offers["methods"]?["coin"]?["mint"]?.string == "here")
    #expect(offers["passes"]?.string == "http://pay.example/v1/passes")
  }
}
