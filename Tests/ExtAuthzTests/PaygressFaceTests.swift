import Gate
import Octets
import Testing
import Transport

@testable import ExtAuthz

@Suite("The Paygress face")
struct PaygressFaceTests {
  let house: House

  init() throws { self.house = try House() }

  func ask(_ request: HTTPRequest, proxy: PaygressProxy) async -> HTTPResponse {
    var settings = ProxyAdapters.Settings()
    settings.paygress = proxy
    return await ProxyAdapters(desk: self.house.desk, settings: settings).respond(to: request).value()
  }

  @Test("the question is in the headers of the configured proxy only", arguments: PaygressProxy.allCases)
  func headers(proxy: PaygressProxy) async {
    let questions: [PaygressProxy: [(String, String)]] = [
      .nginx: Door.nginx("/free/x", "GET", "a"), .ingressNginx: Door.ingress("/free/x", "GET", "a"),
      .traefik: Door.forwarded("/free/x", "GET", "a"),
    ]
    for (other, question) in questions {
      let answer = await self.ask(HTTPRequest("/auth", question), proxy: proxy)
      #expect(answer.fields.text("x-auth-reason") == (other == proxy ? "free" : "bad_request"))
    }
  }

  @Test(
    "a token in our query or in the client's is an offer",
    arguments: [
      ("/auth?token=c1", "/paid/x"), ("/auth", "/paid/x?token=c1"), ("/auth?token=c1", "/paid/x?token=c1"),
    ])
  func token(own: String, target: String) async {
    let answer = await self.ask(HTTPRequest(own, Door.nginx(target, "GET", "a")), proxy: .nginx)
    #expect(answer.status == 401)
    #expect(answer.fields.text("x-auth-reason") == "outage")
  }

  @Test("without a token the answer is 401 behind NGINX and 402 behind Traefik")
  func unpaid() async {
    let nginx = await self.ask(
      HTTPRequest("/auth?amount=1&create_pod=true", Door.nginx("/paid/x", "GET", "a")), proxy: .nginx)
    #expect(nginx.status == 401)
    #expect(nginx.fields.text("x-auth-reason") == "payment_required")
    let traefik = await self.ask(HTTPRequest("/auth", Door.forwarded("/paid/x", "GET", "a")), proxy: .traefik)
    #expect(traefik.status == 402)
    #expect(traefik.fields.text("x-auth-reason") == "payment_required")
  }

  @Test(
    "two different tokens, or a bad escape, are refused",
    arguments: ["/auth?token=a&token=b", "/auth?token=%4", "/auth?token=%zz"])
  func ambiguous(own: String) async {
    let answer = await self.ask(HTTPRequest(own, Door.nginx("/paid/x", "GET", "a")), proxy: .nginx)
    #expect(answer.fields.text("x-auth-reason") == "bad_request")
  }

  @Test("a token is percent-decoded, once, and keeps its plus")
  func decoding() throws {
    let request = HTTPRequest("/auth?x=1&token=a%3D%2Bb+%2525&y", Door.nginx("/paid/x", "GET", "a"))
    let question = try PaygressFace(proxy: .nginx).read(request)
    #expect(question.queryToken == Array("a=+b+%25".utf8))
  }

  @Test("no other adapter reads a token from a query")
  func others() async {
    let answer = await self.ask(
      HTTPRequest("/nginx/check?token=c1", Door.nginx("/paid/x?token=c1", "GET", "a")), proxy: .nginx)
    #expect(answer.fields.text("turnpike-reason") == "payment_required")
  }
}
