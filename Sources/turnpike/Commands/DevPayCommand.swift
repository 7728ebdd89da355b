internal import ArgumentParser
internal import Gate
internal import Octets
internal import Outbound
internal import X402

extension DevCommand {
  /// `turnpike dev pay URL`
  struct Pay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "pay",
      abstract: "Asks for a page, pays its 402, and shows what was sent and what came back.",
      discussion: """
        For trying out. Without options it signs an x402 payment with a key that it makes and throws away: good for \
        `turnpike dev facilitator`, which moves no money, and for no real chain. Exit codes: 0 the page came, 1 it did not.
        """)

    @Argument(help: "The page.")
    var url: String

    @Option(help: ArgumentHelp("Pay with this Cashu token instead.", valueName: "token"))
    var cashu: String?

    @Option(help: ArgumentHelp("An x402 payer's private key, 32 bytes in hexadecimal.", valueName: "hex"))
    var key: String?

    @Option(help: ArgumentHelp("Pay no more than this, in the asset's smallest parts.", valueName: "amount"))
    var limit: UInt64 = 1_000_000

    private static let timeout: Duration = .seconds(60)
    private static let maxShownBytes = 2000

    func validate() throws {
      guard self.url.hasPrefix("http://") || self.url.hasPrefix("https://") else {
        throw ValidationError("the page is a URL that begins with http:// or https://")
      }
    }

    func run() async throws {
      let outbound = OutboundHTTP()
      let outcome = await self.pay(through: outbound)
      await outbound.shutdown()
      if case .failed(let reason) = outcome {
        Complaint.say(reason)
        throw ExitCode.failure
      }
    }

    private enum Outcome {
      case served
      case failed(String)
    }

    private func pay(through outbound: OutboundHTTP) async -> Outcome {
      guard let first = await outbound.page(at: self.url, fields: [], timeout: Self.timeout) else {
        return .failed("\(self.url) does not answer")
      }
      Self.show("asked without paying", first)
      guard first.status == 402 else {
        return first.status < 400 ? .served : .failed("this is no 402: there is nothing to pay")
      }
      let payment: OutboundCall.Field
      switch self.payment(for: first) {
      case .made(let field): payment = field
      case .failed(let reason): return .failed(reason)
      }
      print("\n> \(payment.name): \(payment.value.prefix(120))\(payment.value.count > 120 ? "…" : "")")
      guard let second = await outbound.page(at: self.url, fields: [payment], timeout: Self.timeout) else {
        return .failed("no answer to the payment: ask again with the same one before paying once more")
      }
      Self.show("asked with the payment", second)
      return second.status < 400 ? .served : .failed("the payment bought no page")
    }

    private enum Payment {
      case made(OutboundCall.Field)
      case failed(String)
    }

    private func payment(for page: OutboundPage) -> Payment {
      if let token = self.cashu { return .made(.init("X-Cashu", token)) }
      let payer: DevPayer
      if let key = self.key {
        guard let own = Hex.decode(key).flatMap({ DevPayer(key: $0) }) else {
          return .failed("--key is no private key of 32 bytes in hexadecimal")
        }
        payer = own
      } else {
        payer = DevPayer.random().payer
      }
      print("\npayer \(payer)\(self.key == nil ? ", whose key is thrown away: no real chain knows it" : "")")
      guard let required = page.field("payment-required") else {
        return .failed("the 402 offers no x402 payment (no PAYMENT-REQUIRED); try --cashu")
      }
      do throws(DevPayer.Fault) {
        let value = try payer.payment(for: required.utf8, limit: self.limit, now: SystemClock().now())
        return .made(.init("PAYMENT-SIGNATURE", value))
      } catch {
        return .failed("\(error)")
      }
    }

    /// What tells how a payment went; the rest of the head is of no use here.
    private static let shownFields = [
      "turnpike-reason", "x-cashu", "payment-required", "payment-response", "turnpike-pass",
      "turnpike-remaining",
      "retry-after", "content-type",
    ]

    private static func show(_ title: String, _ page: OutboundPage) {
      print("# \(title): \(page.status)")
      for field in page.fields where self.shownFields.contains(field.name.lowercased()) {
        print("< \(field.name): \(field.value.prefix(120))\(field.value.count > 120 ? "…" : "")")
        if field.name.lowercased().hasPrefix("payment-"), let text = Base64.decode(field.value.utf8) {
          print("  \(Self.printable(text))")
        }
      }
      if !page.body.isEmpty { print(Self.printable(page.body)) }
    }

    private static func printable(_ bytes: [UInt8]) -> String {
      let text = String(decoding: bytes.prefix(self.maxShownBytes), as: UTF8.self)
      let shown = text.unicodeScalars.map { $0.value < 0x20 && $0 != "\n" ? " " : $0 }
      return String(String.UnicodeScalarView(shown)) + (bytes.count > self.maxShownBytes ? "…" : "")
    }
  }
}
