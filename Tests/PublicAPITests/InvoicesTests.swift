import Gate
import JSON
import Octets
import Testing
import Transport

@testable import PublicAPI

@Suite("Lightning invoices", .timeLimit(.minutes(1)))
struct InvoicesTests {
  @Test("a program orders an invoice, and gets its pass when it is paid")
  func program() async throws {
    try await Shop.open { shop in
      let order = await shop.ask("POST", "/v1/invoices?url=https://shop.example/hour/x")
      #expect(order.status == 201)
      #expect(order.json?["invoice"]?.string == "lnbc10n1abc")
      #expect(order.json?["amount"]?.unsigned == 100)
      #expect(order.field("location") == "http://pay.example/v1/invoices/secret1")
      let open = await shop.ask("GET", "/v1/invoices/secret1")
      #expect(open.json?["state"]?.string == "open")
      #expect(open.json?["pass"] == nil)
      shop.invoices.close("secret1", .paid(PaymentID("a")))
      #expect(await shop.ask("GET", "/v1/invoices/secret1").json?["state"]?.string == "settling")
      _ = await shop.exchange("a=100", for: "https://shop.example/hour/x")
      let paid = await shop.ask("GET", "/v1/invoices/secret1")
      #expect(paid.json?["state"]?.string == "paid")
      let pass = try #require(paid.json?["pass"]?["pass"]?.string)
      #expect(paid.field("turnpike-pass") == pass)
      guard case .allow = await shop.shows(pass, at: "/hour/x") else { throw Unexpected() }
      shop.book.revoke(PaymentID("a"))
      let over = await shop.ask("GET", "/v1/invoices/secret1")
      #expect(over.json?["state"]?.string == "over")
      #expect(over.json?["pass"] == nil)
    }
  }

  @Test("an invoice that nobody paid is expired, one that nobody ordered is unknown")
  func ends() async throws {
    try await Shop.open { shop in
      _ = await shop.ask("POST", "/v1/invoices?url=https://shop.example/one/x")
      shop.invoices.close("secret1", .expired)
      #expect(await shop.ask("GET", "/v1/invoices/secret1").json?["state"]?.string == "expired")
      #expect(await shop.ask("GET", "/v1/invoices/secret2").status == 404)
    }
  }

  @Test(
    "a browser is led to a page that loads itself again until the invoice is paid, and then gets the cookie")
  func browser() async throws {
    try await Shop.open { shop in
      let accept = ("Accept", Shop.page)
      let order = await shop.ask(
        "POST", "/v1/invoices", [accept, ("Content-Type", "application/x-www-form-urlencoded")],
        body: "url=https%3A%2F%2Fshop.example%2Fhour%2Fx", host: "shop.example:8081")
      #expect(order.status == 303)
      #expect(
        order.field("location")
          == "http://shop.example:8081/v1/invoices/secret1?url=https%3a%2f%2fshop.example%2fhour%2fx")
      let target = "/v1/invoices/secret1?url=https%3a%2f%2fshop.example%2fhour%2fx"
      let open = await shop.ask("GET", target, [accept], host: "shop.example:8081")
      #expect(open.text.contains(#"<meta http-equiv="refresh" content="3">"#))
      #expect(
        open.text.contains("lnbc10n1abc") && open.text.contains("<svg") && open.text.contains("100 sat"))
      #expect(open.field("content-security-policy")?.hasPrefix("default-src 'none'") == true)
      _ = await shop.exchange("a=100", for: "https://shop.example/hour/x")
      shop.invoices.close("secret1", .paid(PaymentID("a")))
      let paid = await shop.ask("GET", target, [accept], host: "shop.example:8081")
      #expect(paid.field("set-cookie")?.hasPrefix("turnpike_pass=tp1.") == true)
      #expect(paid.field("set-cookie")?.contains("Path=/hour;") == true)
      #expect(paid.text.contains(#"<a href="https://shop.example/hour/x">"#))
      #expect(!paid.text.contains("http-equiv=\"refresh\""))
      let elsewhere = await shop.ask("GET", target, [accept], host: "pay.example")
      #expect(elsewhere.field("set-cookie") == nil)
      let lure = await shop.ask("GET", "/v1/invoices/secret1?url=https://evil.example/", [accept])
      #expect(!lure.text.contains("evil.example"))
    }
  }

  @Test("an invoice is for what has a price here")
  func refused() async throws {
    try await Shop.open { shop in
      #expect(await shop.ask("POST", "/v1/invoices?url=https://shop.example/nowhere").status == 403)
      #expect(await shop.ask("POST", "/v1/invoices?url=https://shop.example/free/x").status == 403)
      #expect(await shop.ask("POST", "/v1/invoices").status == 400)
    }
  }

  @Test("each client may order so many invoices, and no more")
  func limit() async throws {
    try await Shop.open(invoiceLimit: RequestLimit(requests: 2, per: .seconds(60))) { shop in
      for _ in 0..<2 {
        #expect(await shop.ask("POST", "/v1/invoices?url=https://shop.example/one/x").status == 201)
      }
      let over = await shop.ask("POST", "/v1/invoices?url=https://shop.example/one/x")
      #expect(over.status == 429)
      #expect(over.field("retry-after") == "7")
      #expect(
        await shop.ask("POST", "/v1/invoices?url=https://shop.example/one/x", from: [192, 0, 2, 2]).status
          == 201)
    }
  }
}
