internal import ArgumentParser
internal import Glibc
internal import Outbound

/// A public listener that a command buys at.
struct Shop {
  /// Without a path.
  var url: String

  /// Longer than a mint and a machine take.
  private static let timeout: Duration = .seconds(60)

  /// Prints what it answers; ends the command with 1 where that is no success.
  func ask(
    _ method: String, _ path: String, _ fields: [OutboundCall.Field], body: [UInt8]? = nil
  ) async throws {
    let outbound = OutboundHTTP()
    let page = await outbound.page(
      at: self.url + path, method: method, fields: [.init("Accept", "application/json")] + fields, body: body,
      timeout: Self.timeout)
    await outbound.shutdown()
    guard let page else {
      Complaint.say("\(self.url) does not answer; ask again with the same payment before paying once more")
      throw ExitCode.failure
    }
    print(String(decoding: page.body, as: UTF8.self))
    guard (200...299).contains(page.status) else {
      Complaint.say("\(self.url) answers \(page.status)")
      throw ExitCode.failure
    }
  }
}

struct ShopOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The public listener.", valueName: "url"))
  var url = "http://127.0.0.1:8081"

  var shop: Shop { get throws { try OptionalShop.shop(at: self.url) } }
}

struct OptionalShop: ParsableArguments {
  @Option(help: ArgumentHelp("The public listener, to ask as the owner.", valueName: "url"))
  var url: String?

  @Option(help: ArgumentHelp("The machine's pass, as `create` printed it.", valueName: "pass"))
  var pass: String?

  var shop: Shop? { get throws { try self.url.map { try Self.shop(at: $0) } } }

  static func shop(at url: String) throws -> Shop {
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw ValidationError("--url begins with http:// or https://")
    }
    return Shop(url: url.hasSuffix("/") ? String(url.dropLast()) : url)
  }
}

/// What a command pays with.
struct PurseOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Cashu token; `-` reads it from standard input, where nobody sees it.", valueName: "token"))
  var token = "-"

  var field: OutboundCall.Field {
    get throws {
      let token = self.token == "-" ? (readLine(strippingNewline: true) ?? "") : self.token
      guard token.hasPrefix("cashu") else { throw ValidationError("the token begins with `cashu`") }
      return OutboundCall.Field("X-Cashu", token)
    }
  }
}
